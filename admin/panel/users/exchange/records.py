"""A user in our own form: written for an export, and checked field by field for an import.

Every fault is kept, so that a file can be mended in one go.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...protocols import PROTOCOLS
from ...store.models import Usage, User
from .. import credentials
from ..errors import UserError
from ..fields import RULES, checked_bytes, checked_moment
from .documents import Entry, Fault, shown

COUNTERS = ("period_used_bytes", "up_bytes", "down_bytes")
MOST_FIELDS = 64
# No IPv4 subnet holds more.
_MOST_NUMBER = 2**32


@dataclass(frozen=True, kw_only=True)
class Record:
    """A user of a file, checked."""

    line: int
    columns: dict[str, Any]
    """Of the table of users, as it keeps them; those that the file did not say are absent."""

    wireguard_number: int | None
    """The number that the user had, if it is free."""

    usage: dict[str, tuple[int, int]]
    """Bytes up and down by protocol."""


def written(user: User, usage: list[Usage]) -> dict[str, Any]:
    """Return the user as an export tells them."""
    said = {name: getattr(user, name) for name in _COLUMNS}
    return {
        **{name: value.isoformat() if isinstance(value, datetime) else value for name, value in said.items()},
        "wireguard_number": user.wireguard_number,
        "usage": _sums(usage),
    }


def _sums(usage: list[Usage]) -> dict[str, dict[str, int]]:
    # Over the hosts of a fleet: another server's hosts are others.
    sums: dict[str, dict[str, int]] = {}
    for row in usage:
        own = sums.setdefault(row.protocol, {"up_bytes": 0, "down_bytes": 0})
        own["up_bytes"] += row.up_bytes
        own["down_bytes"] += row.down_bytes
    return sums


def checked(entry: Entry) -> tuple[Record | None, list[Fault]]:
    """Return what an entry of our own form says, or its faults."""
    fields = _Fields(entry)
    columns = {name: value for name, rule in _COLUMNS.items() if (value := fields.take(name, rule)) is not _ABSENT}
    number = fields.take("wireguard_number", _number)
    usage = fields.take("usage", _usage)
    faults = fields.end()
    if faults:
        return None, faults
    return Record(line=entry.line, columns=columns, wireguard_number=None if number is _ABSENT else number,
                  usage={} if usage is _ABSENT else usage), []


_ABSENT: Any = object()


class _Fields:
    """Takes fields out of an entry and keeps the faults of each."""

    def __init__(self, entry: Entry) -> None:
        self._line = entry.line
        self._rest = dict(entry.value) if isinstance(entry.value, dict) else {}
        self._name = shown(self._rest.get("name", ""))
        self._faults: list[Fault] = []
        if not isinstance(entry.value, dict):
            self._add("", "The user is no JSON object; write fields and values between { and }.")
        elif len(self._rest) > MOST_FIELDS:
            self._add("", f"The user has more than {MOST_FIELDS} fields; remove what is no field of a user.")
            self._rest = {}
        elif "name" not in self._rest:
            self._add("name", "The name is missing; add it.")

    def take(self, name: str, rule: Callable[[object], Any]) -> Any:
        if name not in self._rest:
            return _ABSENT
        try:
            return rule(self._rest.pop(name))
        except UserError as error:
            self._add(name, error.sentence)
            return _ABSENT

    def end(self) -> list[Fault]:
        for name in self._rest:
            self._add(shown(name), f"{shown(name)} is no field of a user; remove it.")
        return self._faults

    def _add(self, field: str, sentence: str) -> None:
        self._faults.append(Fault(line=self._line, name=self._name, field=field, sentence=sentence))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise UserError("is_enabled", "is_enabled is neither true nor false; use one of them.")
    return value


def _time(name: str, *, optional: bool = False) -> Callable[[object], datetime | None]:
    def check(value: object) -> datetime | None:
        if value is None and optional:
            return None
        try:
            return checked_moment(datetime.fromisoformat(value) if isinstance(value, str) else value, name)
        # An offset or a date at the calendar's edge overflows.
        except (ValueError, OverflowError):
            raise UserError(name, f"{name} is no time of ISO 8601 such as 2027-01-31T12:00:00Z; correct it.") from None
    return check


def _count(name: str) -> Callable[[object], int]:
    return lambda value: checked_bytes(value, name, least=0)


def _number(value: object) -> int | None:
    if value is not None and (type(value) is not int or not 2 <= value <= _MOST_NUMBER or value % 2):
        raise UserError("wireguard_number", "wireguard_number is no even number from 2; remove it.")
    return value


def _usage(value: object) -> dict[str, tuple[int, int]]:
    if not isinstance(value, dict) or not value.keys() <= PROTOCOLS.keys() or not all(
            isinstance(sums, dict) and sums.keys() == {"up_bytes", "down_bytes"} for sums in value.values()):
        raise UserError("usage", "usage is no map from protocols to up_bytes and down_bytes; correct or remove it.")
    return {name: (checked_bytes(sums["up_bytes"], "usage", 0), checked_bytes(sums["down_bytes"], "usage", 0))
            for name, sums in value.items()}


_COLUMNS: dict[str, Callable[[object], Any]] = {
    **RULES,
    "expires_at": _time("expires_at", optional=True),
    "is_enabled": _flag,
    "secrets": credentials.checked,
    "created_at": _time("created_at"),
    "last_seen_at": _time("last_seen_at", optional=True),
    "period_began_at": _time("period_began_at"),
    **{name: _count(name) for name in COUNTERS},
}
