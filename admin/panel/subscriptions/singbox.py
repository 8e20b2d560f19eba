"""Configuration of sing-box, version 1.12 and later (https://sing-box.sagernet.org/configuration/).

Everything of the device goes through the proxy, names too; only private networks are reached directly. There is no
listener: a port on the loopback interface would tell every other program of a phone where its traffic comes out.
WireGuard is not among the ways: its key may be used by one program at a time (decision 0022).
"""

import json
from typing import Any

from ..config import ServerFacts
from ..store.models import User
from .access import Told, Way
from .links import SHADOWSOCKS_METHOD

PROBE_URL = "https://www.gstatic.com/generate_204"
"""What clients fetch to find out which way works; every client program's own default, so that it says nothing."""

# The sooner a way stands in the list the longer it is kept: only one that is so much faster takes its place.
_TOLERANCE_MILLISECONDS = 500
# Often enough, and not one hello for each way in each minute, which is a pattern of its own.
_PROBE_INTERVAL = "10m"
_ADDRESSES = ["172.19.0.1/30", "fdfe:dcba:9876::1/126"]


def configuration(told: Told, user: User) -> str:
    """Return the whole configuration; without any open protocol it lets nothing out but to private networks."""
    ways = told.ways(user, _OUTBOUNDS)
    return json.dumps({
        "log": {"level": "warn"},
        "dns": {"servers": _resolvers(ways), "strategy": "prefer_ipv4"},
        "inbounds": [{"type": "tun", "tag": "tun", "address": _ADDRESSES, "auto_route": True, "strict_route": True}],
        "outbounds": [*_groups(ways),
                      *(outbound for way in ways for outbound in _OUTBOUNDS[way.protocol](way)),
                      {"type": "direct", "tag": "direct"}],
        "route": {"rules": _rules(ways), "final": "Proxy" if ways else "direct", "auto_detect_interface": True,
                  # For the server's own names, which no tunnel stands to ask for yet.
                  "default_domain_resolver": "own"},
    }, indent=2, ensure_ascii=False)


def _resolvers(ways: list[Way]) -> list[dict[str, Any]]:
    # The first is asked for all names but the server's own.
    beyond = [{"type": "udp", "tag": "beyond", "server": way.server.dns_servers[0], "detour": "Proxy"}
              for way in ways[:1]]
    return [*beyond, {"type": "local", "tag": "own"}]


def _rules(ways: list[Way]) -> list[dict[str, Any]]:
    private = {"ip_is_private": True, "outbound": "direct"}
    if not ways:
        return [private, {"action": "reject"}]
    # Names are asked for in the tunnel even if the device asks a router of its own network.
    return [{"action": "sniff"}, {"protocol": "dns", "action": "hijack-dns"}, private]


def _groups(ways: list[Way]) -> list[dict[str, Any]]:
    if not ways:
        return []
    titles = [way.title for way in ways]
    return [
        {"type": "selector", "tag": "Proxy", "outbounds": ["Auto", *titles], "default": "Auto"},
        {"type": "urltest", "tag": "Auto", "outbounds": titles, "url": PROBE_URL, "interval": _PROBE_INTERVAL,
         "tolerance": _TOLERANCE_MILLISECONDS}]


def _at(way: Way, name: str) -> dict[str, Any]:
    return {"tag": way.title, "server": way.server.names[name], "server_port": way.server.port}


def _tls(server: ServerFacts, name: str, **more: Any) -> dict[str, Any]:
    root = {"certificate": server.authority.splitlines()} if server.authority else {}
    return {"enabled": True, "server_name": server.names[name], **root, **more}


_AS_CHROME = {"enabled": True, "fingerprint": "chrome"}


def _reality(way: Way) -> list[dict[str, Any]]:
    tls = {"enabled": True, "server_name": way.server.names["cdn"], "utls": _AS_CHROME, "reality": {
        "enabled": True, "public_key": way.server.reality_public_key, "short_id": way.server.reality_short_id}}
    return [{"type": "vless", **_at(way, "cdn"), "uuid": way.secret, "flow": "xtls-rprx-vision", "tls": tls}]


def _websocket(way: Way) -> list[dict[str, Any]]:
    site = way.server.names["www"]
    return [{"type": "vless", **_at(way, "www"), "uuid": way.secret,
             "tls": _tls(way.server, "www", alpn=["http/1.1"], utls=_AS_CHROME),
             "transport": {"type": "ws", "path": way.server.websocket_path, "headers": {"Host": site}}}]


def _trojan(way: Way) -> list[dict[str, Any]]:
    # HTTP/2 would be answered by the site (decision 0014).
    return [{"type": "trojan", **_at(way, "app"), "password": way.secret,
             "tls": _tls(way.server, "app", alpn=["http/1.1"], utls=_AS_CHROME)}]


def _shadowtls(way: Way) -> list[dict[str, Any]]:
    server, tunnel = way.server, f"shadowtls{way.mark}"
    return [
        {"type": "shadowsocks", "tag": way.title, "method": SHADOWSOCKS_METHOD,
         "password": f"{server.shadowsocks_server_key}:{way.secret}", "detour": tunnel,
         # ShadowTLS carries TCP only, so UDP goes inside it (SagerNet's UDP over TCP).
         "udp_over_tcp": True},
        {"type": "shadowtls", **_at(way, "img"), "tag": tunnel, "version": 3,
         "password": server.shadowtls_password, "tls": _tls(server, "img", utls=_AS_CHROME)}]


def _hysteria2(way: Way) -> list[dict[str, Any]]:
    return [{"type": "hysteria2", **_at(way, "q"), "password": way.secret, "tls": _tls(way.server, "q", alpn=["h3"])}]


def _tuic(way: Way) -> list[dict[str, Any]]:
    id_, _, password = way.secret.partition(":")
    return [{"type": "tuic", **_at(way, "t"), "uuid": id_, "password": password,
             "congestion_control": "bbr", "udp_relay_mode": "native", "tls": _tls(way.server, "t", alpn=["h3"])}]


_OUTBOUNDS = {"vlessReality": _reality, "vlessWebsocket": _websocket, "trojan": _trojan, "shadowtls": _shadowtls,
              "hysteria2": _hysteria2, "tuic": _tuic}
