"""Errors as pages, for people who are signed in; everybody else gets guard.py's plain words."""

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.exceptions import HTTPException

from ..accounts import current_identity
from ..context import config
from ..guard import answer_plainly


def install(app: Flask) -> None:
    """Let app show its errors to people as pages."""
    app.register_error_handler(HTTPException, _answer)


def _answer(error: HTTPException) -> ResponseReturnValue:
    identity = current_identity()
    is_of_api = request.path.startswith(f"{config().path}/api/")
    if identity is None or identity.way != "session" or is_of_api:
        return answer_plainly(error)
    return render_template("web/error.html", title=_title(error.code), code=error.code), error.code or 500


def _title(code: int | None) -> str:
    titles: dict[int, str] = {
        400: gettext("This form is too old, or was not sent by this page. Go back, load the page again and repeat it."),
        403: gettext("Your account may not do this."),
        404: gettext("There is nothing here, or not any more."),
        413: gettext("That was too large."),
    }
    return titles.get(code or 500, str(gettext("This cannot be done.")))
