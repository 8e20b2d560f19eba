"""Configuration of sing-box, version 1.12 and later (https://sing-box.sagernet.org/configuration/).

Everything of the device goes through the proxy, names too; only private networks are reached directly. There is no
listener: a port on the loopback interface would tell every other program of a phone where its traffic comes out.
WireGuard is not among the ways: its key may be used by one program at a time (decision 0022).
"""

import json
from typing import Any

from ..config import ServerFacts
from ..protocols import PROTOCOLS
from ..store.models import User
from .access import usable
from .links import SHADOWSOCKS_METHOD

PROBE_URL = "https://www.gstatic.com/generate_204"
"""What clients fetch to find out which way works; every client program's own default, so that it says nothing."""

# The sooner a way stands in the list the longer it is kept: only one that is so much faster takes its place.
_TOLERANCE_MILLISECONDS = 500
# Often enough, and not one hello for each way in each minute, which is a pattern of its own.
_PROBE_INTERVAL = "10m"
_ADDRESSES = ["172.19.0.1/30", "fdfe:dcba:9876::1/126"]


def configuration(server: ServerFacts, user: User) -> str:
    """Return the whole configuration; without any open protocol it lets nothing out but to private networks."""
    ways = [name for name in usable(server, user) if name in _OUTBOUNDS]
    return json.dumps({
        "log": {"level": "warn"},
        "dns": {"servers": _resolvers(server, ways), "strategy": "prefer_ipv4"},
        "inbounds": [{"type": "tun", "tag": "tun", "address": _ADDRESSES, "auto_route": True, "strict_route": True}],
        "outbounds": [*_groups(ways),
                      *(outbound for name in ways for outbound in _OUTBOUNDS[name](server, user.secrets[name])),
                      {"type": "direct", "tag": "direct"}],
        "route": {"rules": _rules(ways), "final": "Proxy" if ways else "direct", "auto_detect_interface": True,
                  # For the server's own names, which no tunnel stands to ask for yet.
                  "default_domain_resolver": "own"},
    }, indent=2, ensure_ascii=False)


def _resolvers(server: ServerFacts, ways: list[str]) -> list[dict[str, Any]]:
    # The first is asked for all names but the server's own.
    beyond = [{"type": "udp", "tag": "beyond", "server": server.dns_servers[0], "detour": "Proxy"}] if ways else []
    return [*beyond, {"type": "local", "tag": "own"}]


def _rules(ways: list[str]) -> list[dict[str, Any]]:
    private = {"ip_is_private": True, "outbound": "direct"}
    if not ways:
        return [private, {"action": "reject"}]
    # Names are asked for in the tunnel even if the device asks a router of its own network.
    return [{"action": "sniff"}, {"protocol": "dns", "action": "hijack-dns"}, private]


def _groups(ways: list[str]) -> list[dict[str, Any]]:
    if not ways:
        return []
    titles = [PROTOCOLS[name].title for name in ways]
    return [
        {"type": "selector", "tag": "Proxy", "outbounds": ["Auto", *titles], "default": "Auto"},
        {"type": "urltest", "tag": "Auto", "outbounds": titles, "url": PROBE_URL, "interval": _PROBE_INTERVAL,
         "tolerance": _TOLERANCE_MILLISECONDS}]


def _at(protocol: str, server: ServerFacts, name: str) -> dict[str, Any]:
    return {"tag": PROTOCOLS[protocol].title, "server": server.names[name], "server_port": server.port}


def _tls(server: ServerFacts, name: str, **more: Any) -> dict[str, Any]:
    root = {"certificate": server.authority.splitlines()} if server.authority else {}
    return {"enabled": True, "server_name": server.names[name], **root, **more}


_AS_CHROME = {"enabled": True, "fingerprint": "chrome"}


def _reality(server: ServerFacts, secret: str) -> list[dict[str, Any]]:
    tls = {"enabled": True, "server_name": server.names["cdn"], "utls": _AS_CHROME, "reality": {
        "enabled": True, "public_key": server.reality_public_key, "short_id": server.reality_short_id}}
    return [{"type": "vless", **_at("vlessReality", server, "cdn"), "uuid": secret, "flow": "xtls-rprx-vision",
             "tls": tls}]


def _websocket(server: ServerFacts, secret: str) -> list[dict[str, Any]]:
    return [{"type": "vless", **_at("vlessWebsocket", server, "www"), "uuid": secret,
             "tls": _tls(server, "www", alpn=["http/1.1"], utls=_AS_CHROME),
             "transport": {"type": "ws", "path": server.websocket_path, "headers": {"Host": server.names["www"]}}}]


def _trojan(server: ServerFacts, secret: str) -> list[dict[str, Any]]:
    # HTTP/2 would be answered by the site (decision 0014).
    return [{"type": "trojan", **_at("trojan", server, "app"), "password": secret,
             "tls": _tls(server, "app", alpn=["http/1.1"], utls=_AS_CHROME)}]


def _shadowtls(server: ServerFacts, secret: str) -> list[dict[str, Any]]:
    return [
        {"type": "shadowsocks", "tag": PROTOCOLS["shadowtls"].title, "method": SHADOWSOCKS_METHOD,
         "password": f"{server.shadowsocks_server_key}:{secret}", "detour": "shadowtls",
         # ShadowTLS carries TCP only, so UDP goes inside it (SagerNet's UDP over TCP).
         "udp_over_tcp": True},
        {"type": "shadowtls", **_at("shadowtls", server, "img"), "tag": "shadowtls", "version": 3,
         "password": server.shadowtls_password, "tls": _tls(server, "img", utls=_AS_CHROME)}]


def _hysteria2(server: ServerFacts, secret: str) -> list[dict[str, Any]]:
    return [{"type": "hysteria2", **_at("hysteria2", server, "q"), "password": secret,
             "tls": _tls(server, "q", alpn=["h3"])}]


def _tuic(server: ServerFacts, secret: str) -> list[dict[str, Any]]:
    id_, _, password = secret.partition(":")
    return [{"type": "tuic", **_at("tuic", server, "t"), "uuid": id_, "password": password,
             "congestion_control": "bbr", "udp_relay_mode": "native", "tls": _tls(server, "t", alpn=["h3"])}]


_OUTBOUNDS = {"vlessReality": _reality, "vlessWebsocket": _websocket, "trojan": _trojan, "shadowtls": _shadowtls,
              "hysteria2": _hysteria2, "tuic": _tuic}
