"""Which generation of each secret is in force, as the configuration's key `rotations` says (decision 0030).

A seed never changes. A rotation counts a secret's generation up, and keys.py derives another value from the same seed.
Where a protocol can take two values at a time, the one before goes on beside it until the configuration says no more of
an overlap: this module reads no clock, so that a preview is the same today and tomorrow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from . import checks

OVERLAPPING = frozenset({
    "reality-short-id", "websocket-path", "tunnel-path", "shadowtls", "panel-path", "subscription-path",
    "subscription-key", "password-pepper", "metrics-token",
})
"""Secrets of which two generations can be in force at a time."""

NAMES = OVERLAPPING | {"reality", "shadowsocks", "wireguard", "session-key", "agents", "authority"}
"""Every secret that is derived from a seed, by the name that `ops rotate` gives it."""

_FIELDS = {"generation", "rotatedAt", "overlapUntil"}


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """What the configuration says of one secret."""

    generation: int
    """2 after the first rotation."""

    rotated_at: datetime
    overlap_until: datetime | None
    """When the generation before may end; None when it has ended."""


@dataclass(frozen=True, kw_only=True)
class Rotations:
    """What it says of all; a secret that it does not name was never rotated."""

    made: Mapping[str, Rotation] = field(default_factory=dict)

    @classmethod
    def parse(cls, key: str, value: object) -> Self:
        """Read an object of objects by name; raises SettingsError on the first fault."""
        if not isinstance(value, dict):
            checks.refuse(key, value, "it must be an object, which `ops rotate` writes")
        return cls(made={str(name): _parse(f"{key}.{name}", str(name), entry) for name, entry in value.items()})

    def generation(self, name: str) -> int:
        """Return the generation in force, from 1."""
        return self.made[name].generation if name in self.made else 1

    def former(self, name: str) -> int | None:
        """Return the generation that is in force beside it, or None without an overlap."""
        rotation = self.made.get(name)
        return rotation.generation - 1 if rotation and rotation.overlap_until else None


NEVER = Rotations()
"""Of a server whose secrets are as they were made."""


def _parse(key: str, name: str, entry: Any) -> Rotation:
    if name not in NAMES:
        checks.refuse(key, "there", f"no secret has that name; they are {', '.join(sorted(NAMES))}")
    if not isinstance(entry, dict) or not {"generation", "rotatedAt"} <= entry.keys() <= _FIELDS:
        checks.refuse(key, entry, "it must have generation and rotatedAt, and may have overlapUntil")
    generation, until = entry["generation"], entry.get("overlapUntil")
    if type(generation) is not int or generation < 2:
        checks.refuse(f"{key}.generation", generation, "it must be a whole number of at least 2")
    if until is not None and name not in OVERLAPPING:
        checks.refuse(f"{key}.overlapUntil", until, f"only one generation of {name} can be in force at a time")
    return Rotation(generation=generation, rotated_at=_moment(f"{key}.rotatedAt", entry["rotatedAt"]),
                    overlap_until=None if until is None else _moment(f"{key}.overlapUntil", until))


def _moment(key: str, value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        checks.refuse(key, value, "it must be a time of ISO 8601 with its zone, such as 2027-01-31T12:00:00+00:00")
    return moment
