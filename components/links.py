"""What the first client needs, as share links.

Format of `vless://`: XTLS/Xray-core discussion 716. Only what the stack's outputs give: server address, names
and keys; the certificate authority's root is an output of its own.
"""

from urllib.parse import quote, urlencode

from .configs.plan import Plan
from .keys import XrayKeys
from .settings import Settings


def client_links(settings: Settings, plan: Plan, keys: XrayKeys) -> dict[str, str]:
    """Return the links of the first client; the map's keys name the protocol."""
    if settings.mode == "minimal":
        return {}
    return {
        "vlessReality": _vless(settings, keys.vision_id, plan.name("cdn"), "reality", {
            "security": "reality", "type": "tcp", "flow": "xtls-rprx-vision", "sni": plan.name("cdn"),
            "fp": "chrome", "pbk": keys.reality_public_key, "sid": keys.short_id}),
        "vlessWebsocket": _vless(settings, keys.websocket_id, plan.name("www"), "websocket", {
            "security": "tls", "type": "ws", "host": plan.name("www"), "sni": plan.name("www"),
            "path": keys.websocket_path, "fp": "chrome", "alpn": "http/1.1"}),
    }


def _vless(settings: Settings, identity: str, host: str, title: str, parameters: dict[str, str]) -> str:
    # Every value is encoded, "/" too: clients split the link before they decode it.
    query = urlencode({"encryption": "none", **parameters}, quote_via=quote)
    return f"vless://{identity}@{host}:{settings.https_port}?{query}#{quote(title)}"
