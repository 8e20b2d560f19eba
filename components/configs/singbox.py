"""sing-box's configuration: ShadowTLS with Shadowsocks 2022, Hysteria2 and TUIC."""

from components.keys import SingboxKeys
from components.rendering import render
from components.settings import Settings

from . import agent, egress, ports
from .common import HANDED_OVER
from .plan import Plan

_LEVELS = {"DEBUG": "debug", "INFO": "info", "WARNING": "warn", "ERROR": "error"}


def files(settings: Settings, plan: Plan, keys: SingboxKeys) -> dict[str, str]:
    """Return the texts by file name; the certificate files are added where they are known."""
    return egress.files(settings) | agent.files(plan, "singbox", keys.agent_token) | {"config.json": render(
        "singbox/config.json.j2",
        log_level=_LEVELS[settings.log_level],
        shadowtls_port=settings.singbox_shadowtls_port, shadowtls_users=[
            {"name": name, "password": password}
            for name, password in zip(("all", "former"), keys.shadowtls_passwords, strict=False)],
        cover_address=plan.edge("caddy"), cover_port=ports.COVER_TLS,
        shadowsocks_server_key=keys.shadowsocks_server_key,
        hysteria_port=settings.singbox_hysteria_port,
        **_pair("hysteria", settings, plan.name("q")), **_pair("tuic", settings, plan.name("t")),
        masquerade_url=f"http://{plan.edge('caddy')}:{ports.COVER_PLAIN}",
        tuic_port=settings.singbox_tuic_port)}


def _pair(inbound: str, settings: Settings, name: str) -> dict[str, str]:
    certificate, key = "/etc/stealth/cert.pem", "/etc/stealth/key.pem"
    if settings.tls == "acme":
        certificate, key = (f"{HANDED_OVER}/{name.lower()}.{end}" for end in ("pem", "key"))
    return {f"{inbound}_certificate": certificate, f"{inbound}_key": key}
