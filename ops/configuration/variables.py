"""The variables of the specification's chapter "Environment Configuration", and the keys that they are here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import OperatorError
from .dotenv import Variable

KEYS = {
    "DOMAIN": "domain",
    "EMAIL": "email",
    "ADMIN_USERNAME": "adminUsername",
    "XRAY_VISION_PORT": "xrayVisionPort",
    "XRAY_WEBSOCKET_PORT": "xrayWebsocketPort",
    "TROJAN_PORT": "trojanPort",
    "SINGBOX_SHADOWTLS_PORT": "singboxShadowtlsPort",
    "SINGBOX_HYSTERIA_PORT": "singboxHysteriaPort",
    "SINGBOX_TUIC_PORT": "singboxTuicPort",
    "WIREGUARD_SERVER_PORT": "wireguardServerPort",
    "WIREGUARD_WEBSOCKET_PORT": "wireguardWebsocketPort",
    "ADMIN_PANEL_PORT": "adminPanelPort",
    "VPN_SUBNET": "vpnSubnet",
    "DNS_SERVERS": "dnsServers",
    "TZ": "timeZone",
    "RATE_LIMIT_ADMIN": "rateLimitAdmin",
    "RATE_LIMIT_VPN": "rateLimitVpn",
    "SESSION_TIMEOUT": "sessionTimeoutSeconds",
    "LOG_LEVEL": "logLevel",
    "LOG_RETENTION_DAYS": "logRetentionDays",
    "LOG_MAX_SIZE": "logMaxSize",
    "LOG_MAX_FILES": "logMaxFiles",
}
"""The key of each variable."""

NOT_TAKEN = {
    "ADMIN_PASSWORD_HASH": "the first deploy makes a password of its own, and `make up` says how to read it",
    "SESSION_SECRET": "sessions are random tokens that the panel keeps, and no secret signs them",
}
"""The variables that have no meaning here, and why (decision 0029)."""

# Docker's json-file driver knows small units only; the specification writes 10M.
_REWRITTEN: dict[str, Callable[[str], str]] = {"logMaxSize": str.lower}


@dataclass(frozen=True, kw_only=True)
class Given:
    """A value that somebody gave for a key, and where they did."""

    value: Any
    origin: str
    """Words for a person, such as `DOMAIN in line 3 of .env`."""


def from_file(name: str, variables: Mapping[str, Variable], schema: Mapping[str, Any]) -> dict[str, Given]:
    """Return what a file gives, by key; raises OperatorError at a variable that is unknown or has no plain value."""
    if unknown := [item for item in variables.values() if item.name not in KEYS and item.name not in NOT_TAKEN]:
        listed = ", ".join(f"{item.name} (line {item.line})" for item in unknown)
        raise OperatorError(f"{name} has variables that the specification does not know: {listed}. Remove them; "
                            "keys that have no variable are set with `pulumi config set`.")
    found = {}
    for item in variables.values():
        if item.name in KEYS:
            origin = f"{item.name} in line {item.line} of {name}"
            if "$" in item.value:
                raise OperatorError(f"{origin} refers to another variable by $. Write the value itself.")
            found[KEYS[item.name]] = given(KEYS[item.name], item.value, origin, schema)
    return found


def from_environment(environment: Mapping[str, str], schema: Mapping[str, Any]) -> dict[str, Given]:
    """Return what the environment gives, by key; one that is empty gives nothing."""
    return {key: given(key, environment[name], f"{name} in the environment", schema)
            for name, key in KEYS.items() if environment.get(name)}


def given(key: str, text: str, origin: str, schema: Mapping[str, Any]) -> Given:
    """Return a value of the key's type; raises OperatorError if the text is none."""
    text = _REWRITTEN.get(key, str)(text)
    try:
        return Given(value=typed(key, text, schema), origin=origin)
    except ValueError as error:
        raise OperatorError(f"{origin} is {text or 'empty'}, but {key} is of type {schema[key]['type']}. "
                            "Change it there.") from error


def typed(key: str, value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value in its key's type, as Pulumi reads one that is written as text; raises ValueError."""
    if not isinstance(value, str):
        return value
    match schema[key]["type"]:
        case "integer":
            return int(value)
        case "boolean":
            return {"true": True, "false": False}[value] if value in {"true", "false"} else _refuse(value)
        case "array":
            return [part.strip() for part in value.split(",")] if value else []
    return value


def _refuse(value: str) -> bool:
    raise ValueError(value)
