"""What may differ from one service to the next. Nothing else may, and components/ is not asked.

What exceptions.toml allows as a departure from the CIS benchmark is read from there; the rest stands here.
"""

from collections.abc import Mapping
from typing import Any

from . import exceptions

SERVICES = frozenset({"admin", "caddy", "singbox", "trojan", "wireguard", "xray"})
ONE_SHOT_JOBS = frozenset({f"{name}-writer" for name in (*SERVICES, "certificates", "site")})
"""Containers that carry files into a volume and are never started."""


def departures(key: str) -> Mapping[str, Any]:
    """Return what exceptions.toml allows under `key`, by service."""
    return {service: row.allowed[key] for row in exceptions.read() for service in row.services if key in row.allowed}


CAPABILITIES: Mapping[str, frozenset[str]] = {
    service: frozenset(names) for service, names in departures("capabilities").items()}
MODULE_CAPABILITY = "SYS_MODULE"
"""For WireGuard only, and only beside the host's modules: the operator's switch allowSysModule brings both."""

MODULES_FOLDER = "/lib/modules"
ROOT_USERS = frozenset(departures("user"))
"""Services that may run as root."""

GROUPS: Mapping[str, frozenset[str]] = {"singbox": frozenset({"10001"})}
"""Groups beside the user's own: sing-box reads the certificates that Caddy, group 10001, hands over."""
