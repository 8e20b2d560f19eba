"""Share links, by protocol: what one client program shows as a QR code for another to read.

Formats: `vless://` XTLS/Xray-core discussion 716; `trojan://` trojan-gfw and trojan-go; `ss://` SIP002 and SIP022;
`hysteria2://` v2.hysteria.network URI scheme; `tuic://` as mihomo reads it (daeuniverse/dae discussion 182).

None of them can carry the root of a private authority, and none of ours ever tells a client to trust everybody: with
`tls: internal` only REALITY and ShadowTLS, which need no authority, work from a link alone.
"""

import base64
import json
from urllib.parse import quote, urlencode

from ..config import ServerFacts
from ..protocols import PROTOCOLS
from ..store.models import User
from .access import usable

SHADOWSOCKS_METHOD = "2022-blake3-aes-128-gcm"


def share_links(server: ServerFacts, user: User) -> dict[str, str]:
    """Return the links of the user's open protocols; WireGuard has files instead."""
    return {name: _LINKS[name](server, user, user.secrets[name]) for name in usable(server, user) if name in _LINKS}


def _reality(server: ServerFacts, user: User, secret: str) -> str:
    return _link(server, user, "vlessReality", f"vless://{quote(secret, safe='')}@{server.names['cdn']}", {
        "encryption": "none", "security": "reality", "type": "tcp", "flow": "xtls-rprx-vision",
        "sni": server.names["cdn"], "fp": "chrome", "pbk": server.reality_public_key, "sid": server.reality_short_id})


def _websocket(server: ServerFacts, user: User, secret: str) -> str:
    site = server.names["www"]
    return _link(server, user, "vlessWebsocket", f"vless://{quote(secret, safe='')}@{site}", {
        "encryption": "none", "security": "tls", "type": "ws", "host": site, "sni": site,
        "path": server.websocket_path, "fp": "chrome", "alpn": "http/1.1"})


def _trojan(server: ServerFacts, user: User, secret: str) -> str:
    return _link(server, user, "trojan", f"trojan://{quote(secret, safe='')}@{server.names['app']}", {
        # HTTP/2 would be answered by the site (decision 0014).
        "security": "tls", "sni": server.names["app"], "type": "tcp", "fp": "chrome", "alpn": "http/1.1"})


def _shadowtls(server: ServerFacts, user: User, secret: str) -> str:
    # ShadowTLS has no standard link; this form is what most clients take (plugin as base64 of JSON).
    plugin = {"version": "3", "host": server.names["img"], "password": server.shadowtls_password}
    # SIP022: the part before @ of a 2022 method is percent-encoded, not base64.
    keys = ":".join(quote(part, safe="") for part in (SHADOWSOCKS_METHOD, server.shadowsocks_server_key, secret))
    return _link(server, user, "shadowtls", f"ss://{keys}@{server.names['img']}", {
        "shadow-tls": base64.b64encode(json.dumps(plugin).encode()).decode()})


def _hysteria2(server: ServerFacts, user: User, secret: str) -> str:
    return _link(server, user, "hysteria2", f"hysteria2://{quote(secret, safe='')}@{server.names['q']}", {
        "sni": server.names["q"]})


def _tuic(server: ServerFacts, user: User, secret: str) -> str:
    id_, _, password = secret.partition(":")
    own = f"{quote(id_, safe='')}:{quote(password, safe='')}"
    return _link(server, user, "tuic", f"tuic://{own}@{server.names['t']}", {
        "sni": server.names["t"], "alpn": "h3", "congestion_control": "bbr", "udp_relay_mode": "native"})


_LINKS = {"vlessReality": _reality, "vlessWebsocket": _websocket, "trojan": _trojan, "shadowtls": _shadowtls,
          "hysteria2": _hysteria2, "tuic": _tuic}


def _link(server: ServerFacts, user: User, protocol: str, address: str, parameters: dict[str, str]) -> str:
    # Every value is encoded, "/" too: clients split the link before they decode it.
    query = urlencode(parameters, quote_via=quote, safe="")
    name = quote(f"{PROTOCOLS[protocol].title} {user.name}@{server.domain}", safe="")
    return f"{address}:{server.port}?{query}#{name}"
