"""Language and colours, as one who is signed in wants them."""

from flask import Blueprint, abort, redirect, request
from flask.typing import ResponseReturnValue

from ..accounts import OWN, current_account, requires
from ..context import database
from ..store.accounts import Account
from . import way_back
from .language import LANGUAGES
from .layout import THEME_COOKIE, THEMES

_YEAR_SECONDS = 365 * 86400
blueprint = Blueprint("preferences", __name__)


@blueprint.post("/preferences")
@requires(OWN)
def save() -> ResponseReturnValue:
    """Keep the language with the account, for e-mail too, and the colours in the browser, for they are the screen's."""
    account, language, theme = current_account(), request.form.get("language"), request.form.get("theme")
    if account is None or language not in LANGUAGES or theme not in THEMES:
        abort(400)
    with database().write() as session:
        session.get_one(Account, account.id).language = language
    answer = redirect(way_back.address(request.form.get("back", "")), 303)
    answer.set_cookie(THEME_COOKIE, theme, max_age=_YEAR_SECONDS, secure=True, httponly=True, samesite="Strict")
    return answer
