"""The audit log: who did what to whom, when and from where, in entries that each hold the hash of the one before.

A changed, removed or inserted entry breaks the chain from there on; `broken_at` finds where. Entries hold no secret:
callers name fields, and values only of fields that are none. An action is what is acted on and a verb, such as
`user.create`; those of sign-ins are `sign-in.accept` (with `new_address`) and `sign-in.attempts`, which is written when
the attempts on an account or from an address have reached a power of two.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarResult, String, cast, func, or_, select, text
from sqlalchemy.orm import Session

from .store.accounts import AuditEntry

_FIRST = "0" * 64
# Any number will do, as long as nothing else here takes the same lock.
_LOCK = 0x61756469
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
MOST_PER_PAGE = 200
MOST_CHARACTERS = 200
"""Of the words that are looked for: each is a part of the question, and SQLite takes a thousand at most."""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """On whose behalf something is done."""

    name: str
    """An account's name, `token NAME of ACCOUNT`, `ops`, or `panel` for what it does by itself."""

    address: str
    """Client's IP address; empty for what came from no network."""


PANEL = Actor(name="panel", address="")
OPS = Actor(name="ops", address="")
"""The command line on the server."""

RESERVED_NAMES = frozenset({PANEL.name, OPS.name})
"""What no account is called, in any case: nobody could tell whose doing an entry is."""


@dataclass(frozen=True, kw_only=True)
class AuditPage:
    """A part of the entries that were found, the newest first."""

    entries: list[AuditEntry]
    total: int
    number: int
    pages: int


def record(session: Session, actor: Actor, action: str, target: str, **detail: Any) -> None:
    """Add an entry to the transaction of what it tells of; both are committed, or neither."""
    record_each(session, actor, action, [(target, detail)])


def record_each(session: Session, actor: Actor, action: str, told: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Add an entry for each target and its details: `record`, for thousands at once."""
    if session.get_bind().dialect.name == "postgresql":
        # SQLite's one writer is alone anyway.
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    last = session.scalar(select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)) or _FIRST
    for target, detail in told:
        entry = AuditEntry(
            at=datetime.now(UTC), actor=_line(actor.name, 96), address=_line(actor.address, 64), action=action,
            target=_line(target, 128), detail=detail, previous_hash=last)
        entry.hash = last = _hash(entry)
        session.add(entry)
    session.flush()


def broken_at(session: Session) -> int | None:
    """Return the id of the first entry that does not follow from the one before it, or None."""
    previous = _FIRST
    with _all(session) as entries:
        for entry in entries:
            if entry.previous_hash != previous or entry.hash != _hash(entry):
                return entry.id
            previous = entry.hash
    return None


def head(session: Session) -> tuple[int, str]:
    """Return the number of entries and the hash of the last."""
    count = session.scalar(select(func.count()).select_from(AuditEntry)) or 0
    return count, session.scalar(select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)) or _FIRST


def search(session: Session, words: str = "", number: int = 1, size: int = 50) -> AuditPage:
    """Return a page of the entries in which each of the words stands, as actor, action, target, address or detail."""
    size = max(1, min(size, MOST_PER_PAGE))
    # PostgreSQL's texts cannot hold a NUL, and so not be compared with one.
    wanted = [_contains(word) for word in words.replace("\0", "\ufffd").split()]
    total = session.scalar(select(func.count()).select_from(AuditEntry).where(*wanted)) or 0
    pages = max(1, -(-total // size))
    number = max(1, min(number, pages))
    entries = list(session.scalars(select(AuditEntry).where(*wanted).order_by(AuditEntry.id.desc())
                                   .offset((number - 1) * size).limit(size)))
    return AuditPage(entries=entries, total=total, number=number, pages=pages)


def export(session: Session) -> Iterator[str]:
    """Yield every entry as a line of JSON, the oldest first, with the hashes that prove it."""
    with _all(session) as entries:
        for entry in entries:
            yield json.dumps({
                "id": entry.id, "at": entry.at.isoformat(), "actor": entry.actor, "address": entry.address,
                "action": entry.action, "target": entry.target, "detail": entry.detail,
                "previousHash": entry.previous_hash, "hash": entry.hash}) + "\n"


def _all(session: Session) -> ScalarResult[AuditEntry]:
    """Return all entries, the oldest first and a thousand at a time; the result must be closed."""
    return session.scalars(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000))


def _contains(word: str) -> ColumnElement[bool]:
    columns = (AuditEntry.actor, AuditEntry.action, AuditEntry.target, AuditEntry.address,
               cast(AuditEntry.detail, String))
    return or_(*(func.lower(column).contains(word.lower(), autoescape=True) for column in columns))


def _line(said: str, most: int) -> str:
    """Return what was said in one line of at most that many characters."""
    return _CONTROL.sub(lambda character: f"\\x{ord(character[0]):02x}", said)[:most]


def _hash(entry: AuditEntry) -> str:
    told = [entry.previous_hash, entry.at.isoformat(), entry.actor, entry.address, entry.action, entry.target,
            entry.detail]
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
