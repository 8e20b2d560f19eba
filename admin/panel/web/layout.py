"""What every page has around its content: navigation, language, colours, and the files that pages load."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, request, send_from_directory
from flask_babel import lazy_gettext

from ..accounts import current_account, current_identity, public
from ..context import config
from . import language

# Prefixed __Host-: no other site of the domain can set it (RFC 6265bis section 4.1.3).
THEME_COOKIE = "__Host-theme"
THEMES = ("", "light", "dark")
"""The device's own choice, or one of two."""

_FILES = Path(__file__).parent.parent / "static"
blueprint = Blueprint("web", __name__)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One entry of the navigation."""

    endpoint: str
    title: str
    icon: str
    scope: str
    also: str = ""
    """Another blueprint whose pages belong to this entry."""

    @property
    def is_current(self) -> bool:
        """Whether the page belongs to this entry."""
        return request.blueprint in (self.endpoint.partition(".")[0], self.also)


_ITEMS = (
    Item(endpoint="dashboard.show", title=lazy_gettext("Overview"), icon="home", scope="server:read"),
    Item(endpoint="users.index", title=lazy_gettext("Users"), icon="users", scope="users:read", also="user"),
    Item(endpoint="server.show", title=lazy_gettext("Server"), icon="server", scope="server:read"),
    Item(endpoint="audit.index", title=lazy_gettext("Audit log"), icon="list", scope="audit:read"),
    Item(endpoint="accounts.index", title=lazy_gettext("Accounts"), icon="people", scope="accounts:write"),
)


def install(app: Flask) -> None:
    """Give app's templates the layout's values."""
    app.context_processor(_values)


def theme() -> str:
    """Return the colours that this browser's user chose."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def may(scope: str) -> bool:
    """Whether who makes this request has that scope; pages offer nothing else."""
    identity = current_identity()
    return identity is not None and scope in identity.scopes


def _values() -> dict[str, Any]:
    return {
        # Users' pages load the files from an address of their own (subscriptions/views.py).
        "assets": "web.static",
        "account": current_account(), "navigation": list(_navigation()), "language": language.current(),
        "languages": language.LANGUAGES, "theme": theme(), "may": may,
        "back": request.full_path.removeprefix(f"{config().path}/").rstrip("?"),
    }


def _navigation() -> Iterator[Item]:
    return (item for item in _ITEMS if may(item.scope))


# Flask's own route for these would bear no mark.
@blueprint.get("/static/<path:filename>")
@public
def static(filename: str) -> Response:
    """Answer with a file that pages load."""
    return send_from_directory(_FILES, filename)
