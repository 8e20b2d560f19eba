"""Trojan-Go's configuration."""

from components.keys import TrojanKeys
from components.rendering import render
from components.settings import Settings

from . import agent, egress, ports
from .plan import Plan

# github.com/p4gefau1t/trojan-go log/log.go: 0 is everything, 5 is nothing.
_LEVELS = {"DEBUG": 0, "INFO": 1, "WARNING": 2, "ERROR": 3}


def files(settings: Settings, plan: Plan, keys: TrojanKeys) -> dict[str, str]:
    """Return the texts by file name."""
    return egress.files(settings) | agent.files(plan, "trojan", keys.agent_token) | {"config.json": render(
        "trojan/config.json.j2",
        port=settings.trojan_port, log_level=_LEVELS[settings.log_level],
        cover_address=plan.edge("caddy"), cover_port=ports.COVER_PLAIN)}
