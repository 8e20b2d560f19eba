"""The link's page for people: what they may use, in which app, and how it gets there."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup

from ..protocols import PROTOCOLS
from ..qr import qr_code
from ..store.models import User
from .access import Told
from .formats import every_way
from .links import share_links

ANDROID, IOS, WINDOWS, MACOS, LINUX = "Android", "iPhone, iPad", "Windows", "macOS", "Linux"
SYSTEMS = (ANDROID, IOS, WINDOWS, MACOS, LINUX)


@dataclass(frozen=True, kw_only=True)
class App:
    """A client program."""

    name: str
    systems: Sequence[str]
    address: str = ""
    """By which a browser hands it the link, where its makers describe one: {url} is encoded, {name} too."""


# sing-box.sagernet.org clients/general, hiddify.com docs/app/URL-Scheme, docs.cfw.lbyczf.com contents/urlscheme,
# 2dust/v2rayNG UrlSchemeActivity.kt and happ.su dev-docs describe the addresses.
APPS = (
    App(name="Hiddify", systems=SYSTEMS, address="hiddify://import/{url}#{name}"),
    App(name="sing-box", systems=(ANDROID, IOS, MACOS), address="sing-box://import-remote-profile?url={url}#{name}"),
    App(name="v2rayNG", systems=(ANDROID,), address="v2rayng://install-sub?url={url}#{name}"),
    App(name="FlClash", systems=(ANDROID, WINDOWS, MACOS, LINUX), address="clash://install-config?url={url}"),
    App(name="Clash Verge Rev", systems=(WINDOWS, MACOS, LINUX), address="clash://install-config?url={url}"),
    App(name="Happ", systems=SYSTEMS, address="happ://add/{url}"),
    App(name="Shadowrocket", systems=(IOS,)),
    App(name="Streisand", systems=(IOS, MACOS)),
    App(name="v2rayN", systems=(WINDOWS, MACOS, LINUX)),
    App(name="WireGuard", systems=SYSTEMS),
)

# Files that a person may want; links are what apps fetch by themselves.
_FILES = {"sing-box": "sing-box", "mihomo": "mihomo (Clash)", "xray": "Xray"}
_FILE_OF_PROTOCOL = {"wireguard": "wireguard", "wireguardWebsocket": "wireguard-websocket"}
# Their certificates are not looked at, or are REALITY's own.
_WITHOUT_AUTHORITY = frozenset({"vlessReality", "shadowtls", "wireguard"})


@dataclass(frozen=True, kw_only=True)
class Way:
    """One protocol of the user's."""

    title: str
    text: str
    """A link, or a file."""

    code: Markup
    """QR code as SVG; empty where none would be of use."""

    file: str = ""
    """Format that gives the file; empty for a link."""

    host: str | None = None
    """The host's name, by which the file is asked for; None where there is no fleet."""

    needs_authority: bool = False
    """Whether this link works only where the server's private root is known."""


def ways(told: Told, user: User) -> list[Way]:
    """Return the user's open protocols at each host."""
    return [Way(title=PROTOCOLS[name].title + told.mark(server), text=text, file=_FILE_OF_PROTOCOL.get(name, ""),
                host=host if told.is_fleet else None,
                # No app reads chisel's command from a picture.
                code=qr_code(text) if name != "wireguardWebsocket" else Markup(),
                needs_authority=bool(server.authority) and name not in _WITHOUT_AUTHORITY)
            for host, server in told.servers.items() for name, text in every_way(server, user).items()]


def files(told: Told, user: User) -> dict[str, str]:
    """Return the titles of the files for whole programs, by format; none for who may use nothing of them."""
    return _FILES if any(share_links(server, user) for server in told.servers.values()) else {}


def openers(url: str, title: str) -> dict[str, list[tuple[str, str]]]:
    """Return by system the apps for it, each with the address that opens it; empty where it has none."""
    filled = {app.name: app.address.format(url=quote(url, safe=""), name=quote(title, safe="")) for app in APPS}
    return {system: [(app.name, filled[app.name]) for app in APPS if system in app.systems] for system in SYSTEMS}
