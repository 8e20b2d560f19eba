"""What an operator says of a user, and the rules for each field."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from ..protocols import PROTOCOLS
from .errors import UserError
from .text import checked_name, checked_note

QUOTA_PERIODS = ("none", "day", "week", "month", "year")
# An exbibyte: no sum of traffic comes near to what a 64-bit column holds.
MOST_BYTES = 2**60
_FIRST_EXPIRY = datetime(2000, 1, 1, tzinfo=UTC)
# The last years of the calendar overflow when a time zone is added.
_LAST_EXPIRY = datetime(9000, 1, 1, tzinfo=UTC)


class Unchanged(Enum):
    """Type of UNCHANGED, which stands for a field that an edit leaves as it is; None has a meaning of its own."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


@dataclass(frozen=True, kw_only=True)
class NewUser:
    """A user to be."""

    name: str
    note: str = ""
    quota_bytes: int | None = None
    """Up and down together in one period; None for no limit."""

    quota_period: str = "none"
    """none, day, week, month or year."""

    expires_at: datetime | None = None
    """Aware."""

    closed_protocols: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UserChange:
    """New values of some fields, as NewUser has them."""

    name: str | Unchanged = UNCHANGED
    note: str | Unchanged = UNCHANGED
    quota_bytes: int | Unchanged | None = UNCHANGED
    quota_period: str | Unchanged = UNCHANGED
    expires_at: datetime | Unchanged | None = UNCHANGED
    closed_protocols: tuple[str, ...] | Unchanged = UNCHANGED


def checked(said: NewUser | UserChange) -> dict[str, Any]:
    """Return the fields that are said, as the store keeps them; raises UserError on the first that breaks its rule."""
    values = {field.name: getattr(said, field.name) for field in fields(said)}
    return {name: RULES[name](value) for name, value in values.items() if value is not UNCHANGED}


def checked_bytes(value: object, field: str = "quota_bytes", least: int = 1) -> int:
    """Return a size in bytes; raises UserError unless it is a whole number up to an exbibyte."""
    # Not isinstance: true would pass for 1.
    if type(value) is not int or not least <= value <= MOST_BYTES:
        raise UserError(field, f"{field} is no whole number of bytes from {least} to {MOST_BYTES}; correct it.")
    return value


def checked_moment(value: object, field: str = "expires_at") -> datetime:
    """Return a time; raises UserError unless it is aware and between the years 2000 and 9000."""
    if not isinstance(value, datetime) or value.utcoffset() is None or not _FIRST_EXPIRY <= value <= _LAST_EXPIRY:
        raise UserError(field, f"{field} is no time with a time zone between the years 2000 and 9000; correct it.")
    return value.astimezone(UTC)


def _quota(value: object) -> int | None:
    return None if value is None else checked_bytes(value)


def _period(value: object) -> str:
    if value not in QUOTA_PERIODS:
        raise UserError("quota_period", f"The quota's period is none of {', '.join(QUOTA_PERIODS)}; use one of them.")
    return str(value)


def _expiry(value: object) -> datetime | None:
    return None if value is None else checked_moment(value)


def _closed(value: object) -> list[str]:
    if not isinstance(value, (tuple, list)) or not all(isinstance(name, str) and name in PROTOCOLS for name in value):
        raise UserError("closed_protocols", f"A closed protocol is none of {', '.join(PROTOCOLS)}; use these names.")
    return sorted(set(value))


RULES: Mapping[str, Callable[[object], Any]] = {
    "name": checked_name, "note": checked_note, "quota_bytes": _quota, "quota_period": _period,
    "expires_at": _expiry, "closed_protocols": _closed,
}
"""By field: takes what was said and returns what is stored, or raises UserError."""
