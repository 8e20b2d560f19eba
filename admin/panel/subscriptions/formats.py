"""The forms in which a link answers, and which one a client program gets that does not ask for any.

What a program tells of itself (User-Agent) decides; a browser gets the page. Names of programs as they stood in their
own sources in 2026; docs/clients.md lists them for people.
"""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from ..config import ServerFacts
from ..store.models import MAIN, User
from . import mihomo, singbox, wireguard, xray
from .access import Told, usable
from .links import share_links

PAGE = "page"


@dataclass(frozen=True, kw_only=True)
class Format:
    """One form."""

    render: Callable[[Told, User], str]
    mimetype: str
    ending: str
    """Of the file's name."""

    serves: Callable[[Told, User], bool] = lambda _told, _user: True
    """Whether there is anything to say; most forms have one that lets nothing out."""

    @property
    def names_interface(self) -> bool:
        """Whether a system takes the file's name for that of a network interface."""
        return self.ending.endswith(".conf")


def title(server: ServerFacts, user: User) -> str:
    """Return what client programs call the subscription."""
    return f"{user.name}@{server.domain}"


def every_way(server: ServerFacts, user: User) -> dict[str, str]:
    """Return the user's links and files of one host by protocol."""
    files = {"wireguard": wireguard.direct_file, "wireguardWebsocket": wireguard.websocket_file}
    return share_links(server, user) | {name: files[name](server, user) for name in usable(server, user)
                                        if name in files}


def _plain(told: Told, user: User) -> str:
    # A link's own name has the domain, which tells hosts apart.
    return "".join(f"{link}\n" for server in told.servers.values() for link in share_links(server, user).values())


def _encoded(told: Told, user: User) -> str:
    return base64.b64encode(_plain(told, user).encode()).decode()


def _json(told: Told, user: User) -> str:
    ways = {name if host == MAIN else f"{host}/{name}": text
            for host, server in told.servers.items() for name, text in every_way(server, user).items()}
    return json.dumps(ways, indent=2, ensure_ascii=False)


def _xray(told: Told, user: User) -> str:
    return xray.configuration(told, user, title(told.own, user))


def _direct_file(told: Told, user: User) -> str:
    return wireguard.direct_file(told.first, user)


def _websocket_file(told: Told, user: User) -> str:
    return wireguard.websocket_file(told.first, user)


def _authority(told: Told, _: User) -> str:
    return told.authority


def _has(protocol: str) -> Callable[[Told, User], bool]:
    return lambda told, user: protocol in usable(told.first, user)


FORMATS = {
    "links": Format(render=_encoded, mimetype="text/plain", ending=".txt"),
    "plain": Format(render=_plain, mimetype="text/plain", ending=".txt"),
    "sing-box": Format(render=singbox.configuration, mimetype="application/json", ending=".json"),
    "mihomo": Format(render=mihomo.configuration, mimetype="text/yaml", ending=".yaml"),
    "xray": Format(render=_xray, mimetype="application/json", ending=".json"),
    "wireguard": Format(
        render=_direct_file, mimetype="text/plain", ending=".conf", serves=_has("wireguard")),
    "wireguard-websocket": Format(
        render=_websocket_file, mimetype="text/plain", ending="-ws.conf", serves=_has("wireguardWebsocket")),
    "json": Format(render=_json, mimetype="application/json", ending=".json"),
    "authority": Format(render=_authority, mimetype="application/x-x509-ca-cert", ending=".crt",
                        serves=lambda told, _: told.authority != ""),
}
"""By the name that the address gives as `format`; beside them there is the page."""

# The first that fits decides.
_PROGRAMS = tuple((re.compile(pattern, re.IGNORECASE), name) for pattern, name in (
    # Says that it is like ClashMeta, v2ray and sing-box, and has a sing-box of its own that is older than our form.
    (r"hiddify", "links"),
    (r"saeeddev94\.xray", "xray"),
    # What wants mihomo's form says so, or has one of its names: NekoBox and Throne "(Prefer ClashMeta Format)".
    (r"clash|mihomo|stash/|sparkle/|flowvy/|koala", "mihomo"),
    # The sing-box apps of Android, iOS, macOS and tvOS, and what names the library.
    (r"\bSF[AIMT]/|sing-box", "sing-box"),
))


def preferred(agent: str, accept: str) -> str:
    """Return the form for a program by its User-Agent and Accept headers; links are what most of them read."""
    for pattern, name in _PROGRAMS:
        if pattern.search(agent):
            return name
    # Browsers ask for HTML by name. Some client programs call themselves Mozilla, and do not.
    return PAGE if "text/html" in accept else "links"
