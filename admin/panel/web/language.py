"""The languages of the pages, and which of them a request gets: the account's, else the browser's, else English."""

from dataclasses import dataclass

from flask import Flask, request
from flask_babel import Babel, get_locale

from ..accounts import current_account
from ..config import PanelConfig


@dataclass(frozen=True, kw_only=True)
class Language:
    """A language that every text of the panel is there in."""

    code: str
    """Babel's name of the locale, and of its folder in translations/."""

    tag: str
    """Name in HTML (BCP 47)."""

    name: str
    """As its speakers call it."""

    direction: str = "ltr"


LANGUAGES = {made.code: made for made in (
    Language(code="en", tag="en", name="English"),
    Language(code="fa", tag="fa", name="فارسی", direction="rtl"),
    Language(code="ru", tag="ru", name="Русский"),
    Language(code="zh", tag="zh-Hans", name="简体中文"),
)}


def install(app: Flask, config: PanelConfig) -> None:
    """Let every text and time of app follow the request's language and the configured time zone."""
    Babel(app, locale_selector=_choose, timezone_selector=lambda: config.time_zone.key)


def current() -> Language:
    """Return the language of this request."""
    return LANGUAGES[str(get_locale())]


def _choose() -> str:
    account = current_account()
    if account and account.language in LANGUAGES:
        return account.language
    return request.accept_languages.best_match(LANGUAGES, default="en")
