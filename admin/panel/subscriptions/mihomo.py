"""Configuration of mihomo, once Clash.Meta, and of the programs around it (https://wiki.metacubex.one/en/config/).

Everything goes through the proxy, names too: they are resolved by the server, and the device gets addresses that
stand for them. Only private networks are reached directly. The ways are tried in our order, not by speed.
"""

import re
from typing import Any

import yaml

from ..config import ServerFacts
from ..store.models import User
from .access import Told, Way
from .links import SHADOWSOCKS_METHOD
from .singbox import PROBE_URL

_PROBE_INTERVAL_SECONDS = 600
# RFC 1918, RFC 6598, RFC 3927, RFC 4193 and RFC 4291.
PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
                    "fc00::/7", "fe80::/10", "::1/128")
"""What is reached without the proxy."""


def configuration(told: Told, user: User) -> str:
    """Return the whole configuration; without any open protocol it lets nothing out but to private networks."""
    ways = told.ways(user, _PROXIES)
    # mihomo's own spelling (MetaCubeX/mihomo config/config.go).
    authorities = dict.fromkeys(server.authority for server in told.servers.values() if server.authority)
    trust = {"tls": {"custom-certifactes": [*authorities]}} if authorities else {}
    return yaml.dump({
        "mixed-port": 7890, "allow-lan": False, "mode": "rule", "log-level": "warning", "ipv6": True,
        "unified-delay": True, **trust,
        "tun": {"enable": True, "auto-route": True, "auto-detect-interface": True, "strict-route": True,
                "dns-hijack": ["any:53", "tcp://any:53"]},
        "dns": _dns(ways),
        "proxies": [{"name": way.title, "port": way.server.port, **_PROXIES[way.protocol](way.server, way.secret)}
                    for way in ways],
        "proxy-groups": _groups([way.title for way in ways]),
        "rules": [*(f"IP-CIDR{'6' if ':' in network else ''},{network},DIRECT,no-resolve"
                    for network in PRIVATE_NETWORKS), "MATCH,Proxy"],
    }, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


class _Dumper(yaml.SafeDumper):
    """Writes every string in quotes but plain words."""


def _write_string(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    # PyYAML speaks YAML 1.1, where 12e5 is a string and needs none; for mihomo's Go it is a number (YAML 1.2).
    style = None if re.fullmatch("[A-Za-z][A-Za-z-]*", text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _write_string)


def _dns(ways: list[Way]) -> dict[str, Any]:
    return {
        "enable": True, "ipv6": True, "enhanced-mode": "fake-ip", "fake-ip-range": "198.18.0.1/16",
        # Names of the own network have no server beyond the tunnel.
        "fake-ip-filter": ["*.lan", "*.local"],
        "nameserver": [f"{address}#Proxy" for address in ways[0].server.dns_servers] if ways else ["system"],
        # For the server's own names, which no tunnel stands to ask for yet.
        "proxy-server-nameserver": ["system"]}


def _groups(titles: list[str]) -> list[dict[str, Any]]:
    if not titles:
        return [{"name": "Proxy", "type": "select", "proxies": ["REJECT"]}]
    return [
        {"name": "Proxy", "type": "select", "proxies": ["Auto", *titles]},
        {"name": "Auto", "type": "fallback", "proxies": titles, "url": PROBE_URL, "interval": _PROBE_INTERVAL_SECONDS,
         "lazy": True}]


def _reality(server: ServerFacts, secret: str) -> dict[str, Any]:
    return {
        "type": "vless", "server": server.names["cdn"], "uuid": secret, "flow": "xtls-rprx-vision", "udp": True,
        "packet-encoding": "xudp", "tls": True, "servername": server.names["cdn"], "client-fingerprint": "chrome",
        "reality-opts": {
            "public-key": server.reality_public_key, "short-id": server.reality_short_id,
            # Off it would be left out of Chrome's hello, which then is no current Chrome's.
            "support-x25519mlkem768": True}}


def _websocket(server: ServerFacts, secret: str) -> dict[str, Any]:
    site = server.names["www"]
    return {
        "type": "vless", "server": site, "uuid": secret, "udp": True, "packet-encoding": "xudp", "tls": True,
        "servername": site, "alpn": ["http/1.1"], "client-fingerprint": "chrome", "network": "ws",
        "ws-opts": {"path": server.websocket_path, "headers": {"Host": site}}}


def _trojan(server: ServerFacts, secret: str) -> dict[str, Any]:
    # HTTP/2 would be answered by the site (decision 0014), and mihomo's Chrome offers it whatever alpn says
    # (MetaCubeX/mihomo transport/vmess/tls.go), so here it does not look like one.
    return {"type": "trojan", "server": server.names["app"], "password": secret, "udp": True,
            "sni": server.names["app"], "alpn": ["http/1.1"]}


def _shadowtls(server: ServerFacts, secret: str) -> dict[str, Any]:
    return {
        "type": "ss", "server": server.names["img"], "cipher": SHADOWSOCKS_METHOD,
        "password": f"{server.shadowsocks_server_key}:{secret}", "client-fingerprint": "chrome",
        # ShadowTLS carries TCP only, so UDP goes inside it (SagerNet's UDP over TCP, of which sing-box speaks 2).
        "udp": True, "udp-over-tcp": True, "udp-over-tcp-version": 2,
        "plugin": "shadow-tls",
        "plugin-opts": {"host": server.names["img"], "password": server.shadowtls_password, "version": 3}}


def _hysteria2(server: ServerFacts, secret: str) -> dict[str, Any]:
    return {"type": "hysteria2", "server": server.names["q"], "password": secret, "sni": server.names["q"],
            "alpn": ["h3"]}


def _tuic(server: ServerFacts, secret: str) -> dict[str, Any]:
    id_, _, password = secret.partition(":")
    return {"type": "tuic", "server": server.names["t"], "uuid": id_, "password": password,
            "sni": server.names["t"], "alpn": ["h3"], "congestion-controller": "bbr", "udp-relay-mode": "native"}


_PROXIES = {"vlessReality": _reality, "vlessWebsocket": _websocket, "trojan": _trojan, "shadowtls": _shadowtls,
            "hysteria2": _hysteria2, "tuic": _tuic}
