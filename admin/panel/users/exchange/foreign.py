"""The users.json of the specification, which defines no form; so we take what panels commonly write.

A list of users, or a map from name to user, each with some of the keys below. docs/users.md shows it. An entry becomes
one of our own form, whose checks then see to its values.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from .. import credentials
from .documents import Entry, Fault, shown
from .records import MOST_FIELDS

_SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,3})?) ?([kmgtp]?)(i?)b?", re.IGNORECASE | re.ASCII)
# Beyond it a number of seconds would lie in the year 5138; other panels count milliseconds.
_LEAST_MILLISECONDS = 10**11


def translated(entry: Entry) -> tuple[Entry, list[Fault]]:
    """Return the entry in our own form, and the faults of what has no translation."""
    if not isinstance(entry.value, dict) or len(entry.value) > MOST_FIELDS:
        # Told by the checks of our own form.
        return entry, []
    own: dict[str, Any] = {} if entry.name is None else {"name": entry.name}
    faults = []
    for key, value in entry.value.items():
        field, translate = _KEYS.get(key, ("", None))
        if translate is None or field in own:
            sentence = (f"{shown(key)} says again what {field} is; leave one of both there." if field else
                        f"{shown(key)} is no key that is known here; remove it, or use one of {', '.join(_KEYS)}.")
            faults.append(Fault(line=entry.line, name=shown(own.get("name", "")), field=shown(key), sentence=sentence))
        else:
            own[field] = translate(value)
    identity, password = own.pop("uuid", None), own.pop("password", None)
    if identity is not None or password is not None:
        own["secrets"] = _secrets(identity, password)
    return Entry(line=entry.line, name=entry.name, value=own), faults


def _secrets(identity: Any, password: Any) -> dict[str, Any]:
    """Return secrets that hold the other panel's one UUID and password wherever a protocol has one."""
    made = credentials.make()
    tuic_id, tuic_password = made["tuic"].split(":")
    if identity is not None:
        made["vlessReality"] = made["vlessWebsocket"] = tuic_id = identity
    if password is not None:
        made["trojan"] = made["hysteria2"] = made["wireguardWebsocket"]["password"] = tuic_password = password
    return {**made, "tuic": f"{tuic_id}:{tuic_password}"}


def _same(value: Any) -> Any:
    return value


def _is_none(value: Any) -> bool:
    # Zero means no limit wherever we looked. Not by equality alone: false would be zero.
    return type(value) in (int, str) and value in (0, "", "0")


def _limit(value: Any) -> Any:
    return None if _is_none(value) else _bytes(value)


def _bytes(value: Any) -> Any:
    size = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if size is None:
        return value
    factor = (1024 if size[3] else 1000) ** " kmgtp".index(size[2].lower() or " ")
    return int(float(size[1]) * factor)


def _moment(value: Any) -> Any:
    if _is_none(value):
        return None
    if type(value) is int and 0 < value < _LEAST_MILLISECONDS * 1000:
        seconds = value // 1000 if value >= _LEAST_MILLISECONDS else value
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        # A date ends with its day.
        return f"{value}T23:59:59+00:00"
    return value


_SPELLINGS: dict[str, tuple[tuple[str, ...], Callable[[Any], Any]]] = {
    "name": (("name", "username", "email"), _same),
    "note": (("note", "comment"), _same),
    "is_enabled": (("enabled", "enable"), _same),
    "uuid": (("uuid", "id"), _same),
    "password": (("password",), _same),
    "quota_bytes": (("limit", "quota_bytes", "data_limit"), _limit),
    "quota_period": (("quota_period",), _same),
    "period_used_bytes": (("used", "used_traffic"), _bytes),
    "up_bytes": (("up", "upload"), _bytes),
    "down_bytes": (("down", "download"), _bytes),
    "expires_at": (("expiry", "expires", "expires_at", "expire"), _moment),
}
_KEYS = {key: (field, translate) for field, (keys, translate) in _SPELLINGS.items() for key in keys}
