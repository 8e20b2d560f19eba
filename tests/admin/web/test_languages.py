import re
from datetime import UTC, datetime, timedelta

import pytest
from babel.messages.catalog import Message
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from panel.store.accounts import Account
from panel.store.database import Database
from panel.web import formats
from panel.web.language import LANGUAGES
from tests.admin.panel_file import PATH
from tests.admin.people import Browser
from toolchain import translations

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


def placeholders(message: Message) -> list[list[str]]:
    """Return the sorted placeholders of each form of a translation, and last those of the original."""
    forms = message.string if isinstance(message.string, (tuple, list)) else [message.string]
    original = message.id[-1] if isinstance(message.id, (tuple, list)) else message.id
    return [sorted(PLACEHOLDER.findall(form)) for form in (*forms, original)]


def test_every_language_but_english_has_a_catalog() -> None:
    assert set(LANGUAGES) == {"en", *translations.LANGUAGES}


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_every_text_of_the_code_is_translated_and_no_other(language: str) -> None:
    catalog = {message.id: message for message in translations.read(language) if message.id}
    assert set(catalog) == translations.in_code(), "bring the catalogs up to date by `make translations`"
    assert [text for text, message in catalog.items() if not translations.is_whole(message)] == []


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_a_translation_has_the_places_of_its_original(language: str) -> None:
    wrong = [message.id for message in translations.read(language) if message.id
             and len({tuple(found) for found in placeholders(message)}) > 1]
    assert wrong == []


@pytest.mark.parametrize(("accepted", "tag"), [
    ("fa-IR,fa;q=0.9,en;q=0.5", "fa"), ("ru", "ru"), ("zh-CN", "zh-Hans"), ("zh", "zh-Hans"), ("de,ru;q=0.5", "ru"),
    ("de", "en"), ("", "en"), ("*", "en"), ("xx-" + "y" * 900, "en")])
def test_a_stranger_gets_the_browsers_language_or_english(client: FlaskClient, accepted: str, tag: str) -> None:
    text = client.get(f"{PATH}/login", headers={"Accept-Language": accepted}).text
    assert f'<html lang="{tag}"' in text


def test_persian_runs_from_right_to_left(client: FlaskClient) -> None:
    text = client.get(f"{PATH}/login", headers={"Accept-Language": "fa"}).text
    assert '<html lang="fa" dir="rtl"' in text
    assert "<h1>ورود</h1>" in text


def test_the_accounts_language_is_before_the_browsers_and_is_kept(
    operator: Browser, database: Database,
) -> None:
    answer = operator.post("/preferences", {
        "csrf_token": operator.token("/account"), "language": "ru", "theme": "dark", "back": "users?page=2"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PATH}/users?page=2")
    text = operator.get("/users", headers={"Accept-Language": "fa"}).text
    assert '<html lang="ru" dir="ltr" data-theme="dark">' in text
    with database.read() as session:
        assert session.scalars(select(Account.language)).one() == "ru"


@pytest.mark.parametrize("fields", [{"language": "xx"}, {"theme": "pink"}, {"language": ""}])
def test_an_unknown_preference_is_refused(operator: Browser, fields: dict[str, str]) -> None:
    usual = {"csrf_token": operator.token("/account"), "language": "en", "theme": ""}
    assert operator.post("/preferences", usual | fields).status_code == 400


@pytest.mark.parametrize("back", [
    "//evil.example", "https://evil.example", "\\\\evil.example", "/../../..", "@evil.example", "%252e%252e/x",
    "/\\evil", "users/../..", "users\r\nSet-Cookie: a=b"])
def test_the_way_back_leads_nowhere_but_into_the_panel(operator: Browser, back: str) -> None:
    answer = operator.post("/preferences", {
        "csrf_token": operator.token("/account"), "language": "en", "theme": "", "back": back})
    assert answer.headers["Location"] == f"{PATH}/"


def test_every_page_is_there_in_every_language(operator: Browser, database: Database) -> None:
    for language in LANGUAGES:
        with database.write() as session:
            session.execute(update(Account).values(language=language))
        for path in ("/", "/users", "/users/new", "/users/import", "/server", "/audit", "/account"):
            answer = operator.get(path)
            assert (answer.status_code, LANGUAGES[language].tag in answer.text) == (200, True), (path, language)


@pytest.mark.parametrize(("count", "english", "russian"), [
    (0, "0 kB", "0 кБ"), (1, "0 kB", "0 кБ"), (999, "1 kB", "1 кБ"), (1500, "1.5 kB", "1,5 кБ"),
    (999_499, "999 kB", "999 кБ"), (999_501, "1 MB", "1 МБ"), (12_340_000, "12.3 MB", "12,3 МБ"),
    (5 * 10**9, "5 GB", "5 ГБ"), (2**60, "1153 PB", "1153 ПБ")])
def test_a_size_has_three_digits_and_the_readers_signs(app: Flask, count: int, english: str, russian: str) -> None:
    for language, shown in (("en", english), ("ru", russian)):
        with app.test_request_context(headers={"Accept-Language": language}):
            assert formats.size(count).replace("\N{NO-BREAK SPACE}", " ") == shown


def test_a_time_is_shown_in_the_configured_zone_and_for_programs(app: Flask) -> None:
    with app.test_request_context():
        text = formats.moment(datetime(2026, 12, 31, 23, 5, tzinfo=UTC))
        assert text.startswith('<time datetime="2026-12-31T23:05:00+00:00" title="')
        assert "Dec 31, 2026, 11:05" in text
        assert ">3 hours ago<" in formats.ago(datetime.now(UTC) - timedelta(hours=3))
        assert ">in 3 hours<" in formats.ago(datetime.now(UTC) + timedelta(hours=3, seconds=5))
