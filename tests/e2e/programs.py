"""What each client's program is told, made from the text of a share link and nothing else."""

import base64
import configparser
import json
import re
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.e2e.outside import TARGETS

PROTOCOLS = ("vlessReality", "vlessWebsocket", "trojan", "shadowtls", "hysteria2", "tuic", "wireguard",
             "wireguardWebsocket")
SOCKS_PORT = 1080
_AUTHORITY = "/client/ca.crt"
# Until its tunnel stands, a client must not reach the origin beside it.
_GUARD = " && ".join([*(f"ip route add blackhole {target}" for target in TARGETS), "touch /tmp/guarded && "])


@dataclass(frozen=True, kw_only=True)
class Program:
    """Files for /client, and what is run there as a shell script."""

    script: str
    hosts: tuple[str, ...]
    """Names that the client looks the server up by."""

    files: dict[str, str] = field(default_factory=dict)
    socks: bool = True
    """Whether the client offers SOCKS; else it carries the container's own packets."""

    guard: str = ""
    """What is run before, so that the client reaches no origin beside its tunnel; ends with /tmp/guarded made."""

    renew: str = ""
    """Shell command that makes a client that was refused try again at once; most do with each connection."""


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """What the head of a file for WireGuard over WebSocket tells of its tunnel."""

    auth: str
    """NAME:PASSWORD, for chisel's variable AUTH."""

    command: str
    server: str
    """URL that chisel's client calls."""

    target: str
    """HOST:PORT that it asks the server for, over UDP."""


def carrier(text: str) -> Carrier:
    """Read the head of a file for WireGuard over WebSocket."""
    given = re.search(r"^# AUTH=(?P<auth>\S+)\n# (?P<command>chisel client (?:--\S+ \S+ )*(?P<server>https://\S+) "
                      r"\S+?:\d+:(?P<target>\S+)/udp)$", text, re.M)
    assert given
    return Carrier(**given.groupdict())


def program(protocol: str, link: str) -> Program:
    """Return the program of a protocol, by its name in the stack's outputs."""
    if protocol.startswith("vless"):
        return _xray(link)
    if protocol == "trojan":
        return _trojan(link)
    if protocol == "wireguard":
        return _wireguard(link)
    if protocol == "wireguardWebsocket":
        return _wireguard_over_websocket(link)
    return _singbox(protocol, link)


def _query(link: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}


def _host(link: str) -> str:
    host = urlsplit(link).hostname
    assert host
    return host


def _user(link: str) -> str:
    return unquote(urlsplit(link).username or "")


def _xray(link: str) -> Program:
    given = _query(link)
    user = {"id": _user(link), "encryption": given["encryption"], "flow": given.get("flow", "")}
    stream: dict[str, Any] = {"network": "raw" if given["type"] == "tcp" else given["type"],
                              "security": given["security"]}
    if given["security"] == "reality":
        stream["realitySettings"] = {"serverName": given["sni"], "fingerprint": given["fp"],
                                     "password": given["pbk"], "shortId": given["sid"]}
    else:
        stream["wsSettings"] = {"path": given["path"], "host": given["host"]}
        stream["tlsSettings"] = {
            "serverName": given["sni"], "fingerprint": given["fp"], "alpn": given["alpn"].split(","),
            "disableSystemRoot": True, "certificates": [{"usage": "verify", "certificateFile": _AUTHORITY}]}
    config = {
        "log": {"loglevel": "warning"},
        "inbounds": [{"listen": "127.0.0.1", "port": SOCKS_PORT, "protocol": "socks", "settings": {"udp": True}}],
        "outbounds": [{"protocol": "vless", "streamSettings": stream, "settings": {
            "vnext": [{"address": _host(link), "port": urlsplit(link).port, "users": [user]}]}}]}
    return Program(script="exec xray run -config /client/config.json", hosts=(_host(link),),
                   files={"config.json": json.dumps(config)})


def _trojan(link: str) -> Program:
    given = _query(link)
    config = {
        "run_type": "client", "local_addr": "127.0.0.1", "local_port": SOCKS_PORT,
        "remote_addr": _host(link), "remote_port": urlsplit(link).port, "password": [_user(link)],
        # An empty fingerprint: trojan-go's own imitation of browsers is of 2021 and knows no current server.
        "ssl": {"sni": given["sni"], "cert": _AUTHORITY, "fingerprint": "", "alpn": given["alpn"].split(",")}}
    return Program(script="exec trojan-go -config /client/config.json", hosts=(_host(link),),
                   files={"config.json": json.dumps(config)})


def _singbox(protocol: str, link: str) -> Program:
    outbounds = {"shadowtls": _shadowtls, "hysteria2": _hysteria2, "tuic": _tuic}[protocol](link)
    config = {
        "log": {"level": "warn"}, "dns": {"servers": [{"type": "local", "tag": "local"}]},
        "inbounds": [{"type": "socks", "listen": "127.0.0.1", "listen_port": SOCKS_PORT}],
        "outbounds": outbounds, "route": {"final": "out", "default_domain_resolver": "local"}}
    return Program(script="exec sing-box run -c /client/config.json", hosts=(_host(link),),
                   files={"config.json": json.dumps(config)})


def _server(link: str) -> dict[str, Any]:
    return {"server": _host(link), "server_port": urlsplit(link).port}


def _tls(name: str, **more: Any) -> dict[str, Any]:
    return {"enabled": True, "server_name": name, "certificate_path": _AUTHORITY, **more}


def _shadowtls(link: str) -> list[dict[str, Any]]:
    plugin = json.loads(base64.b64decode(_query(link)["shadow-tls"]))
    method, *keys = unquote(link.removeprefix("ss://").split("@")[0]).split(":")
    return [
        {"type": "shadowsocks", "tag": "out", "method": method, "password": ":".join(keys), "detour": "tls",
         # ShadowTLS carries TCP only, so UDP goes inside it (SagerNet's UDP over TCP).
         "udp_over_tcp": True},
        {"type": "shadowtls", "tag": "tls", **_server(link), "version": int(plugin["version"]),
         "password": plugin["password"],
         "tls": _tls(plugin["host"], utls={"enabled": True, "fingerprint": "chrome"})}]


def _hysteria2(link: str) -> list[dict[str, Any]]:
    return [{"type": "hysteria2", "tag": "out", **_server(link), "password": _user(link),
             "tls": _tls(_query(link)["sni"], alpn=["h3"])}]


def _tuic(link: str) -> list[dict[str, Any]]:
    given = _query(link)
    return [{"type": "tuic", "tag": "out", **_server(link), "uuid": _user(link),
             "password": urlsplit(link).password, "congestion_control": given["congestion_control"],
             "udp_relay_mode": given["udp_relay_mode"], "tls": _tls(given["sni"], alpn=[given["alpn"]])}]


def _wireguard(text: str) -> Program:
    file = configparser.ConfigParser()
    file.read_string(text)
    own = file["Interface"]
    # wg(8) takes its own keys only; the rest is what wg-quick(8) would do.
    wg = "\n".join(line for line in text.splitlines() if not re.match(r"(Address|DNS|MTU) = ", line))
    addresses = " && ".join(f"ip address add {address} dev wg0" for address in own["Address"].split(", "))
    allowed = [ip_network(network) for network in file["Peer"]["AllowedIPs"].split(", ")]
    routes = " && ".join(f"ip route replace {target} dev wg0" for target in TARGETS if any(
        ip_network(target).version == network.version and ip_network(target).subnet_of(network)  # type: ignore[arg-type]
        for network in allowed))
    # wg-quick(8): the MTU of the way to the server, less 80 bytes.
    mtu = own.get("MTU", "$(($(cat /sys/class/net/eth0/mtu /sys/class/net/line/mtu 2>/dev/null) - 80))")
    script = (
        f"wireguard-go wg0 && wg setconf wg0 /client/wg.conf && {addresses} && "
        f"ip link set mtu {mtu} up dev wg0 && {routes} && exec sleep infinity")
    endpoint = file["Peer"]["Endpoint"].rpartition(":")[0]
    # A refusal is silence, after which a handshake is tried each 5 s (WireGuard's paper, section 6.1, Rekey-Timeout).
    return Program(script=script, hosts=(endpoint,), guard=_GUARD, files={"wg.conf": wg}, socks=False,
                   renew="wg setconf wg0 /client/wg.conf")


def _wireguard_over_websocket(text: str) -> Program:
    inner = _wireguard("\n".join(line for line in text.splitlines() if not line.startswith("#")))
    outer = carrier(text)
    carry = f"AUTH='{outer.auth}' {outer.command.replace('authority.crt', _AUTHORITY)} & sleep 1; "
    return replace(inner, script=carry + inner.script, hosts=(_host(outer.server),))
