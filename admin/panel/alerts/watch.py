"""Finds what operators must be told, and tells each thing once.

A condition is told when it begins and when it has been gone for some minutes, so that what comes and goes is one alarm.
Of what happened, which stands in the audit log, a kind is told at most once in its time, with all that came since.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..store.accounts import AuditEntry
from ..store.alerts import Alarm
from ..store.models import Fact
from . import outbox
from .conditions import Condition

GONE = timedelta(minutes=5)
"""How long a condition must be gone before its end is told."""

# Whoever mistypes a password needs fewer.
_MANY_ATTEMPTS = 16
_LISTED = 10


@dataclass(frozen=True, kw_only=True)
class _Digest:
    """A kind of event, and how it is told."""

    kind: str
    action: str
    """Of its entries in the audit log."""

    period: timedelta
    """The least time between two messages."""

    tell: Callable[[AuditEntry], str]
    """Returns an entry's part of the sentence; empty for one that operators need not know."""

    sentence: Callable[[str], str]


_DIGESTS = (
    _Digest(kind="quota_reached", action="user.status", period=timedelta(hours=1),
            tell=lambda entry: entry.target if entry.detail["status"][1] == "limited" else "",
            sentence=lambda names: f"Quota reached: {names}."),
    _Digest(kind="user_expired", action="user.status", period=timedelta(hours=1),
            tell=lambda entry: entry.target if entry.detail["status"][1] == "expired" else "",
            sentence=lambda names: f"Expired: {names}."),
    _Digest(kind="service_restarted", action="service.restart", period=timedelta(minutes=5),
            tell=lambda entry: f"{entry.target}, which {entry.detail['reason']}",
            sentence=lambda names: f"The watchdog restarted {names}. `ops status` shows how the services are now."),
    _Digest(kind="new_address", action="sign-in.accept", period=timedelta(minutes=5),
            tell=lambda entry: f"{entry.actor} from {entry.address}" if entry.detail["new_address"] else "",
            sentence=lambda names: f"Signed in from an address not seen before: {names}. "
                                   "If that was nobody you know, reset that account."),
    _Digest(kind="many_attempts", action="sign-in.attempts", period=timedelta(hours=1),
            tell=lambda entry: f"{entry.detail['attempts']} at {entry.target} (last from {entry.address})"
            if entry.detail["attempts"] >= _MANY_ATTEMPTS else "",
            sentence=lambda names: f"Failed attempts to sign in are being slowed down: {names}."),
)

def tell_conditions(
    session: Session, now: datetime, found: Iterable[Condition], channels: Sequence[str],
    undecided: Collection[str] = (),
) -> None:
    """Tell which conditions are new and which are over; of the undecided keys nobody knows, so they are not over."""
    alarms = {alarm.key: alarm for alarm in session.scalars(select(Alarm))}
    for condition in found:
        alarm = alarms.pop(condition.key, None)
        if alarm is None:
            session.add(Alarm(key=condition.key, began_at=now, sentence=condition.sentence, ending=condition.ending))
            outbox.put(session, now, condition.kind, condition.sentence, channels)
        else:
            alarm.absent_since, alarm.sentence = None, condition.sentence
    for alarm in alarms.values():
        if alarm.key not in undecided:
            _settle(session, now, alarm, channels)


def tell_events(session: Session, now: datetime, channels: Sequence[str]) -> None:
    """Tell what the audit log has of each kind since it was last told.

    That it was told is written down by the same transaction that lets it be told: a restart repeats nothing.
    """
    for digest in _DIGESTS:
        # Locked: a panel that has not ended yet may be telling the same.
        told = session.get(Fact, f"told {digest.kind}", with_for_update=True)
        last = session.scalar(select(func.max(AuditEntry.id))) or 0
        if told is None:
            # What was before the first start is no news.
            session.add(Fact(key=f"told {digest.kind}", value=f"{last} {now.isoformat()}"))
            continue
        told_to, told_at = told.value.split()
        parts = _parts(session, digest, int(told_to), last)
        if not parts:
            told.value = f"{last} {told_at}"
        elif now - datetime.fromisoformat(told_at) >= digest.period:
            outbox.put(session, now, digest.kind, digest.sentence(_listed(parts)), channels)
            told.value = f"{last} {now.isoformat()}"


def _settle(session: Session, now: datetime, alarm: Alarm, channels: Sequence[str]) -> None:
    if alarm.absent_since is None:
        alarm.absent_since = now
    elif now - alarm.absent_since >= GONE:
        outbox.put(session, now, f"{alarm.key.split()[0]}_over", alarm.ending, channels)
        session.delete(alarm)


def _parts(session: Session, digest: _Digest, after: int, last: int) -> list[str]:
    # PostgreSQL shows each statement what was committed before it: without an end, entries that came after the look for
    # the last one would be told now and, as later than that, once more.
    entries = session.scalars(select(AuditEntry).where(
        AuditEntry.id > after, AuditEntry.id <= last, AuditEntry.action == digest.action).order_by(AuditEntry.id))
    return [part for part in map(digest.tell, entries) if part]


def _listed(parts: list[str]) -> str:
    # Of ten attempts on one account the last says all.
    more = len(parts) - _LISTED
    return ", ".join(parts[-_LISTED:]) + (f" and {more} more" if more > 0 else "")
