"""The audit log: who did what to whom, when and from where, in entries that each hold the hash of the one before.

A changed, removed or inserted entry breaks the chain from there on; `broken_at` finds where. Entries hold no secret:
callers name fields, and values only of fields that are none.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from .store.accounts import AuditEntry

_FIRST = "0" * 64
# Any number will do, as long as nothing else here takes the same lock.
_LOCK = 0x61756469


@dataclass(frozen=True, kw_only=True)
class Actor:
    """On whose behalf something is done."""

    name: str
    """An account's name, `token NAME of ACCOUNT`, `ops`, or `panel` for what it does by itself."""

    address: str
    """Client's IP address; empty for what came from no network."""


PANEL = Actor(name="panel", address="")


def record(session: Session, actor: Actor, action: str, target: str, **detail: Any) -> None:
    """Add an entry to the transaction of what it tells of; both are committed, or neither."""
    if session.get_bind().dialect.name == "postgresql":
        # SQLite's one writer is alone anyway.
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    last = session.scalar(select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1))
    entry = AuditEntry(
        at=datetime.now(UTC), actor=actor.name, address=actor.address, action=action, target=target, detail=detail,
        previous_hash=last or _FIRST)
    entry.hash = _hash(entry)
    session.add(entry)
    session.flush()


def broken_at(session: Session) -> int | None:
    """Return the id of the first entry that does not follow from the one before it, or None."""
    previous = _FIRST
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000)):
        if entry.previous_hash != previous or entry.hash != _hash(entry):
            return entry.id
        previous = entry.hash
    return None


def _hash(entry: AuditEntry) -> str:
    told = [entry.previous_hash, entry.at.isoformat(), entry.actor, entry.address, entry.action, entry.target,
            entry.detail]
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
