"""Shows every secret with its age and what a rotation means: to people and to programs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..operations.words import span
from ..stack import Stack, passphrase_file
from ..target import BACKUP_KEY
from . import configured
from .table import ALL, DERIVED, Secret

_PASSWORD = "random:index/randomPassword:RandomPassword"  # noqa: S105 - a type


@dataclass(frozen=True, kw_only=True)
class Row:
    """A secret as it is now."""

    secret: Secret
    generation: int | None
    """None of what has no generations."""

    made_at: datetime | None
    """When it was last rotated, or made; None when nobody here knows."""

    overlap_until: datetime | None

    @property
    def command(self) -> str:
        """What rotates it, or ends its overlap."""
        return self.secret.command or f"ops rotate {self.secret.name}{' --finish' if self.overlap_until else ''}"


def rows(stack: Stack, values: Mapping[str, Any]) -> list[Row]:
    """Return all secrets of a stack."""
    rotations = configured.read(values)
    first = _first_made(stack)
    files = {"passphrase": passphrase_file(), "backup-key": BACKUP_KEY}
    found = []
    for secret in ALL:
        rotation = rotations.made.get(secret.name)
        is_derived = secret in DERIVED
        made_at = rotation.rotated_at if rotation else first if is_derived else _written(files.get(secret.name))
        found.append(Row(secret=secret, generation=rotations.generation(secret.name) if is_derived else None,
                         made_at=made_at, overlap_until=rotation.overlap_until if rotation else None))
    return found


def lines(found: list[Row], now: datetime) -> list[str]:
    """Return them for people."""
    shown = []
    for row in found:
        secret = row.secret
        shown += [f"{secret.name}: {secret.purpose}", f"    {_age(row, now)}",
                  f"    after a rotation: {secret.who}: {secret.then}",
                  f"    overlap: {secret.overlap or 'none, only one can be in force'}"]
        if row.overlap_until:
            shown.append(f"    the former one {_end(row.overlap_until, now)}")
        shown.append(f"    -> {row.command}")
    return shown


def document(found: list[Row]) -> str:
    """Return them for programs."""
    return json.dumps([{
        "name": row.secret.name, "purpose": row.secret.purpose, "who": row.secret.who, "then": row.secret.then,
        "overlap": row.secret.overlap, "replaces": row.secret.replaces, "generation": row.generation,
        "made_at": row.made_at.isoformat() if row.made_at else None,
        "overlap_until": row.overlap_until.isoformat() if row.overlap_until else None, "command": row.command,
    } for row in found], indent=2)


def _age(row: Row, now: datetime) -> str:
    if row.made_at is None:
        return "age not known here"
    rotated = "made" if row.generation == 1 else "last rotated" if row.generation else "file written"
    return f"{rotated} {span(now - row.made_at)} ago, on {row.made_at:%Y-%m-%d %H:%M} UTC"


def _end(until: datetime, now: datetime) -> str:
    if until > now:
        return f"is good for {span(until - now)} more, until {until:%Y-%m-%d %H:%M} UTC"
    return f"was to end on {until:%Y-%m-%d %H:%M} UTC; the next `make up` ends it"


def _first_made(stack: Stack) -> datetime | None:
    """Return when the seeds were made: Pulumi notes it of each resource."""
    if not stack.is_made():
        return None
    entries = json.loads(stack.call("stack", "export"))["deployment"].get("resources") or []
    times = [datetime.fromisoformat(entry["created"]) for entry in entries
             if entry["type"] == _PASSWORD and entry.get("created")]
    return max(times, default=None)


def _written(file: Path | None) -> datetime | None:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC) if file and file.exists() else None
