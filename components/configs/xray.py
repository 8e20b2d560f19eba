"""Xray's configuration."""

from components.keys import XrayKeys
from components.rendering import render
from components.settings import Settings

from . import agent, egress, ports
from .plan import Plan


def files(settings: Settings, plan: Plan, keys: XrayKeys) -> dict[str, str]:
    """Return the texts by file name."""
    return egress.files(settings) | agent.files(plan, "xray", keys.agent_token) | {"config.json": render(
        "xray/config.json.j2",
        log_level=settings.log_level.lower(),
        vision_port=settings.xray_vision_port,
        reality_target=f"{plan.edge('caddy')}:{ports.COVER_TLS}", reality_name=plan.name("cdn"),
        reality_private_key=keys.reality_private_key,
        short_ids=list(filter(None, (keys.short_id, keys.former_short_id))),
        websocket_port=settings.xray_websocket_port, websocket_path=keys.websocket_path)}
