"""What every page has around its content: language, colours, and the files that pages load."""

from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, request, send_from_directory

from ..accounts import public
from . import language

# Prefixed __Host-: no other site of the domain can set it (RFC 6265bis section 4.1.3).
THEME_COOKIE = "__Host-theme"
THEMES = ("", "light", "dark")
"""The device's own choice, or one of two."""

_FILES = Path(__file__).parent.parent / "static"
blueprint = Blueprint("web", __name__)


def install(app: Flask) -> None:
    """Give app's templates the layout's values."""
    app.context_processor(_values)


def _values() -> dict[str, Any]:
    theme = request.cookies.get(THEME_COOKIE, "")
    return {
        # Users' pages load the files from an address of their own (subscriptions/views.py).
        "assets": "web.static", "account": None, "navigation": [], "language": language.current(),
        "languages": language.LANGUAGES, "theme": theme if theme in THEMES else "",
    }


# Flask's own route for these would bear no mark.
@blueprint.get("/static/<path:filename>")
@public
def static(filename: str) -> Response:
    """Answer with a file that pages load."""
    return send_from_directory(_FILES, filename)
