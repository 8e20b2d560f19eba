"""Configuration of Xray, and of the programs that take its JSON (https://xtls.github.io/en/config/).

Xray speaks three of the protocols in every version that is still about: no ShadowTLS and no TUIC, and Hysteria2 only
in the newest, which would make older ones refuse the whole file. It has no way to take a device's packets by itself:
the program around it, or the person, sends them to the ports of the loopback interface.
"""

import json
from typing import Any

from ..config import ServerFacts
from ..store.models import User
from .access import Told, Way
from .mihomo import PRIVATE_NETWORKS
from .singbox import PROBE_URL

# The ports that v2rayNG and v2rayN use.
_SOCKS_PORT, _HTTP_PORT = 10808, 10809
_PROBE_INTERVAL = "10m"
# How Xray knows the ways from the other outbounds: by the beginning of the tag.
_WAY = "proxy-"


def configuration(told: Told, user: User, title: str) -> str:
    """Return the whole configuration; without any open protocol it lets nothing out but to private networks."""
    ways = told.ways(user, _OUTBOUNDS)
    private = {"type": "field", "ip": list(PRIVATE_NETWORKS), "outboundTag": "direct"}
    return json.dumps({
        # Not Xray's: programs show it as the configuration's name.
        "remarks": title,
        "log": {"loglevel": "warning"},
        "inbounds": [_inbound("socks", _SOCKS_PORT, {"udp": True}), _inbound("http", _HTTP_PORT, {})],
        "outbounds": [*({"tag": _tag(way), **_OUTBOUNDS[way.protocol](way.server, way.secret)} for way in ways),
                      {"tag": "direct", "protocol": "freedom"}, {"tag": "refuse", "protocol": "blackhole"}],
        **_choice(private, ways),
    }, indent=2, ensure_ascii=False)


def _tag(way: Way) -> str:
    return _WAY + way.protocol + way.mark.replace(" ", "-")


def _inbound(protocol: str, port: int, settings: dict[str, Any]) -> dict[str, Any]:
    return {"tag": protocol, "listen": "127.0.0.1", "port": port, "protocol": protocol, "settings": settings}


def _choice(private: dict[str, Any], ways: list[Way]) -> dict[str, Any]:
    if not ways:
        return {"routing": {"rules": [private, {"type": "field", "network": "tcp,udp", "outboundTag": "refuse"}]}}
    return {
        "routing": {
            "domainStrategy": "AsIs",
            "rules": [private, {"type": "field", "network": "tcp,udp", "balancerTag": "auto"}],
            "balancers": [{"tag": "auto", "selector": [_WAY], "strategy": {"type": "leastPing"},
                           "fallbackTag": _tag(ways[0])}]},
        "observatory": {"subjectSelector": [_WAY], "probeUrl": PROBE_URL, "probeInterval": _PROBE_INTERVAL,
                        "enableConcurrency": True}}


def _tls(server: ServerFacts, name: str) -> dict[str, Any]:
    root = {"certificates": [{"usage": "verify", "certificate": server.authority.splitlines()}]} \
        if server.authority else {}
    return {"security": "tls", "tlsSettings": {
        "serverName": server.names[name], "fingerprint": "chrome", "alpn": ["http/1.1"], **root}}


def _vless(server: ServerFacts, name: str, secret: str, stream: dict[str, Any], flow: str = "") -> dict[str, Any]:
    return {"protocol": "vless", "streamSettings": stream, "settings": {"vnext": [{
        "address": server.names[name], "port": server.port,
        "users": [{"id": secret, "encryption": "none", "flow": flow}]}]}}


def _reality(server: ServerFacts, secret: str) -> dict[str, Any]:
    # "raw" is the newer name of "tcp", and "password" that of "publicKey": all versions know the older ones.
    return _vless(server, "cdn", secret, flow="xtls-rprx-vision", stream={
        "network": "tcp", "security": "reality", "realitySettings": {
            "serverName": server.names["cdn"], "fingerprint": "chrome", "publicKey": server.reality_public_key,
            "shortId": server.reality_short_id}})


def _websocket(server: ServerFacts, secret: str) -> dict[str, Any]:
    return _vless(server, "www", secret, {
        "network": "ws", **_tls(server, "www"),
        "wsSettings": {"path": server.websocket_path, "host": server.names["www"]}})


def _trojan(server: ServerFacts, secret: str) -> dict[str, Any]:
    return {"protocol": "trojan", "streamSettings": {"network": "tcp", **_tls(server, "app")}, "settings": {
        "servers": [{"address": server.names["app"], "port": server.port, "password": secret}]}}


_OUTBOUNDS = {"vlessReality": _reality, "vlessWebsocket": _websocket, "trojan": _trojan}
