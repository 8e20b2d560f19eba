"""The panel's configuration: a frozen PanelConfig, read once from a file, every value checked.

A fault ends in one sentence that names the key, the fault and the fix. There is no default: a panel that
guessed a key or a path would be open. The file is delivered from outside; this module never writes it.
"""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

CONFIG_FILE = Path("/etc/stealth/panel.json")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# Below a minute an operator is signed out while typing.
_LEAST_SESSION_SECONDS = 60
# OWASP's least cost of bcrypt is 10; beyond 16 one sign-in takes several seconds.
_BCRYPT = r"\$2[aby]\$1[0-6]\$[./A-Za-z0-9]{53}"


class ConfigError(Exception):
    """The configuration breaks a rule; the text is one sentence for the operator and holds no secret."""


@dataclass(frozen=True, kw_only=True)
class PanelConfig:
    """Every configured value, checked; in the file the keys are written in camelCase."""

    port: int
    """TCP port to listen on, inside the container."""

    proxy_address: str
    """IPv4 address of the web server in front, the only caller from outside the container that is answered."""

    path: str = field(repr=False)
    """Secret path that the panel lives below, such as /a1b2..., without a slash at its end."""

    session_key: str = field(repr=False)
    """Key that sessions are signed with."""

    admin_username: str
    """Name of the first account."""

    admin_password_hash: str = field(repr=False)
    """Bcrypt hash of the first account's password."""

    session_timeout_seconds: int
    """Idle time after which a session ends."""

    login_rate_per_minute: int
    """Sign-in attempts allowed per minute and address."""

    log_level: str
    """Least level of the lines that are logged."""

    time_zone: ZoneInfo
    """Zone of the times shown and logged: the environment's TZ, or UTC without one."""

    @classmethod
    def load(cls, file: Path = CONFIG_FILE) -> Self:
        """Read file and the environment's TZ; raises ConfigError on the first fault."""
        values = _parse(_read(file))
        for key in values.keys() - _RULES.keys():
            raise ConfigError(f"{key} is no key of the panel; remove it from {file.name}.")
        for key, rule in _RULES.items():
            rule.check(key, values, file.name)
        zone = _time_zone(os.environ.get("TZ") or "UTC")
        return cls(time_zone=zone, **{_field_name(key): value for key, value in values.items()})

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log line may show; of the path the part that identifies it."""
        return tuple(getattr(self, entry.name).strip("/") for entry in fields(self) if not entry.repr)


@dataclass(frozen=True, kw_only=True)
class _Rule:
    kind: type
    accepts: Callable[[Any], bool]
    sentence: str
    secret: bool = False

    def check(self, key: str, values: dict[str, Any], file_name: str) -> None:
        if key not in values:
            raise ConfigError(f"{key} is missing, but {self.sentence}; add it to {file_name}.")
        value = values[key]
        # Not isinstance: true would pass for 1.
        if type(value) is not self.kind or not self.accepts(value):
            shown = "not valid (it is secret and not shown)" if self.secret else json.dumps(value)
            raise ConfigError(f"{key} is {shown}, but {self.sentence}; correct it in {file_name}.")


def _number(least: int, most: int | None = None) -> _Rule:
    span = f"of at least {least}" if most is None else f"from {least} to {most}"
    return _Rule(kind=int, accepts=lambda value: least <= value and (most is None or value <= most),
                 sentence=f"it must be a whole number {span}")


def _text(pattern: str, meaning: str, *, secret: bool = False) -> _Rule:
    return _Rule(kind=str, accepts=lambda value: re.fullmatch(pattern, value, re.ASCII) is not None,
                 sentence=f"it must be {meaning}", secret=secret)


_RULES = {
    "port": _number(1, 65535),
    "proxyAddress": _text(r"(\d{1,3}\.){3}\d{1,3}", "an IPv4 address"),
    "path": _text(r"/[A-Za-z0-9_-]{16,64}", "a slash and 16 to 64 letters, digits, _ or -", secret=True),
    "sessionKey": _text(r"[!-~]{32,256}", "32 to 256 visible ASCII characters", secret=True),
    "adminUsername": _text(r"[A-Za-z_][A-Za-z0-9_]*", "letters, digits and _, without a digit in front"),
    "adminPasswordHash": _text(_BCRYPT, "a bcrypt hash of a cost from 10 to 16", secret=True),
    "sessionTimeoutSeconds": _number(_LEAST_SESSION_SECONDS),
    "loginRatePerMinute": _number(1),
    "logLevel": _text("|".join(_LOG_LEVELS), f"one of {', '.join(_LOG_LEVELS)}"),
}


def _field_name(key: str) -> str:
    return re.sub(r"[A-Z]", lambda capital: f"_{capital[0].lower()}", key)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode & 0o777
            if mode & 0o077:
                raise ConfigError(
                    f"{file.name} has mode {mode:04o}, so others may read its secrets; give it mode 0400.")
            return stream.read()
    except FileNotFoundError:
        raise ConfigError(f"{file.name} is missing; deliver it to {file.parent}.") from None
    except OSError as error:
        raise ConfigError(f"{file.name} cannot be read ({error.strerror}); make it a file of mode 0400 that "
                          f"belongs to user {os.getuid()}.") from None


def _parse(text: bytes) -> dict[str, Any]:
    try:
        values = json.loads(text, object_pairs_hook=_distinct)
    except json.JSONDecodeError as error:
        raise ConfigError(f"panel.json is no JSON at line {error.lineno}, column {error.colno}; "
                          "correct it there.") from None
    except (ValueError, RecursionError):
        raise ConfigError("panel.json is no JSON text in UTF-8; write it anew.") from None
    if not isinstance(values, dict):
        raise ConfigError("panel.json holds no JSON object; write its keys and values between { and }.")
    return values


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # JSON's reader would let the last of two equal keys win in silence.
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(f"{key} stands {keys.count(key)} times in panel.json; leave it there once.")
    return dict(pairs)


def _time_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    # A missing zone is a KeyError, an absolute path a ValueError, and a folder such as Europe an OSError.
    except (KeyError, ValueError, OSError):
        raise ConfigError(
            f"TZ is {name}, but it must be an IANA time zone; set it to one such as UTC.") from None
