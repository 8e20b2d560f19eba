"""What the first client needs, by protocol: share links where a format exists, else the client's own file.

Only what the stack's outputs give: server names, ports and keys; the certificate authority's root is an output
of its own. Formats: `vless://` XTLS/Xray-core discussion 716; `trojan://` trojan-gfw and trojan-go; `hysteria2://`
v2.hysteria.network URI scheme; `tuic://` as mihomo reads it (daeuniverse/dae discussion 182); WireGuard wg-quick(8).
"""

import base64
import json
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from .configs.plan import Plan
from .configs.wireguard import address, first_peers
from .keys import SingboxKeys, TrojanKeys, WireguardKeys, XrayKeys
from .settings import Settings

# The least that IPv6 allows (RFC 8200 section 5). A client would take the loopback interface's for its line.
_MTU_OVER_WEBSOCKET = 1280
# Shorter than the front's idle time by far, and a peer behind a carrier's NAT stays reachable.
_KEEPALIVE_SECONDS = 10
_WEBSOCKET_ENDPOINT = "127.0.0.1:51821"


@dataclass(frozen=True, kw_only=True)
class ClientKeys:
    """The daemons' keys, of which a client gets its own half."""

    xray: XrayKeys
    trojan: TrojanKeys
    singbox: SingboxKeys
    wireguard: WireguardKeys


def client_links(settings: Settings, plan: Plan, keys: ClientKeys) -> dict[str, str]:
    """Return the first client's links and files; the map's keys name the protocol."""
    if settings.mode == "minimal":
        return {}
    return {
        **_xray(settings, plan, keys.xray),
        "trojan": _link("trojan", keys.trojan.password, settings, plan.name("app"), {
            "security": "tls", "sni": plan.name("app"), "type": "tcp", "fp": "chrome", "alpn": "http/1.1"}),
        **_singbox(settings, plan, keys.singbox),
        "wireguard": _wireguard(
            settings, keys.wireguard, 2, f"{plan.name('www')}:{settings.https_port}"),
        "wireguardWebsocket": _wireguard_over_websocket(settings, plan, keys.wireguard),
    }


def _xray(settings: Settings, plan: Plan, keys: XrayKeys) -> dict[str, str]:
    return {
        "vlessReality": _link("vless", keys.vision_id, settings, plan.name("cdn"), {
            "encryption": "none", "security": "reality", "type": "tcp", "flow": "xtls-rprx-vision",
            "sni": plan.name("cdn"), "fp": "chrome", "pbk": keys.reality_public_key, "sid": keys.short_id}),
        "vlessWebsocket": _link("vless", keys.websocket_id, settings, plan.name("www"), {
            "encryption": "none", "security": "tls", "type": "ws", "host": plan.name("www"), "sni": plan.name("www"),
            "path": keys.websocket_path, "fp": "chrome", "alpn": "http/1.1"}),
    }


def _singbox(settings: Settings, plan: Plan, keys: SingboxKeys) -> dict[str, str]:
    # ShadowTLS has no standard link; this form is what most clients take (plugin as base64 of JSON).
    plugin = {"version": "3", "host": plan.name("img"), "password": keys.shadowtls_password}
    user = f"2022-blake3-aes-128-gcm:{keys.shadowsocks_server_key}:{keys.shadowsocks_user_key}"
    return {
        # SIP002: the part before @ of a 2022 method is percent-encoded, not base64.
        "shadowtls": _link("ss", user, settings, plan.name("img"), {
            "shadow-tls": base64.b64encode(json.dumps(plugin).encode()).decode()}),
        "hysteria2": _link("hysteria2", keys.hysteria_password, settings, plan.name("q"), {"sni": plan.name("q")}),
        "tuic": _link("tuic", f"{keys.tuic_id}:{keys.tuic_password}", settings, plan.name("t"), {
            "sni": plan.name("t"), "alpn": "h3", "congestion_control": "bbr", "udp_relay_mode": "native"}),
    }


def _link(scheme: str, user: str, settings: Settings, host: str, parameters: dict[str, str]) -> str:
    # Every value is encoded, "/" too: clients split the link before they decode it.
    query = urlencode(parameters, quote_via=quote, safe="")
    return f"{scheme}://{quote(user, safe=':')}@{host}:{settings.https_port}?{query}#{scheme}"


def _wireguard(settings: Settings, keys: WireguardKeys, number: int, endpoint: str, mtu: int | None = None) -> str:
    # Without an MTU each client takes what suits its own line: wg-quick(8) the route's less 80 bytes, a phone 1280.
    peer = first_peers(keys)[number]
    own = f"{address(settings.vpn_subnet, number)}/32, {address(settings.vpn_subnet6, number)}/128"
    return "\n".join([
        "[Interface]", f"PrivateKey = {peer.private_key}", f"Address = {own}",
        f"DNS = {', '.join(settings.dns_servers)}", *([f"MTU = {mtu}"] if mtu else []), "",
        "[Peer]", f"PublicKey = {keys.public_key}", f"PresharedKey = {peer.preshared_key}",
        # IPv6 in any case: where the server has none it says so at once, and nothing leaks beside the tunnel.
        "AllowedIPs = 0.0.0.0/0, ::/0", f"Endpoint = {endpoint}", f"PersistentKeepalive = {_KEEPALIVE_SECONDS}", ""])


def _wireguard_over_websocket(settings: Settings, plan: Plan, keys: WireguardKeys) -> str:
    server = f"https://{plan.name('www')}:{settings.https_port}{keys.websocket_path}"
    target = f"{plan.edge('wireguard')}:{settings.wireguard_server_port}/udp"
    # chisel takes its user from the variable AUTH, so that no command line shows the password.
    return "\n".join([
        f"# AUTH={keys.websocket_user}:{keys.websocket_password}",
        f"# chisel client {server} {_WEBSOCKET_ENDPOINT}:{target}",
        _wireguard(settings, keys, 3, _WEBSOCKET_ENDPOINT, _MTU_OVER_WEBSOCKET)])
