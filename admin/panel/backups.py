"""What is known of the server's backups. The panel sees no place of backups: `ops backup` tells it of each good one."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from .store.models import Fact

_KEY = "backup"
# A daily backup may begin late and take its time.
_PATIENCE_WITH_SCHEDULE = timedelta(hours=26)
# Who makes them by hand has not promised one a day.
_PATIENCE = timedelta(days=8)


@dataclass(frozen=True, kw_only=True)
class Backup:
    """The last good backup of this server, or that there shall be one."""

    made_at: datetime | None
    """By this machine's clock, when it had been read back; None when none was made yet."""

    size_bytes: int
    is_scheduled: bool
    """Whether one is made each day."""

    expected_since: datetime
    """When the first one was made, the schedule was, or this server was restored from one."""

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether the next one should have been made long ago."""
        patience = _PATIENCE_WITH_SCHEDULE if self.is_scheduled else _PATIENCE
        return now - (self.made_at or self.expected_since) > patience


def last(session: Session) -> Backup | None:
    """Return what is known; None where nobody has made or promised a backup."""
    fact = session.get(Fact, _KEY)
    if fact is None:
        return None
    held = json.loads(fact.value)
    return Backup(made_at=datetime.fromisoformat(held["made_at"]) if held["made_at"] else None,
                  size_bytes=held["size_bytes"], is_scheduled=held["is_scheduled"],
                  expected_since=datetime.fromisoformat(held["expected_since"]))


def note(session: Session, now: datetime, *, is_scheduled: bool, size_bytes: int | None = None) -> None:
    """Write down whether one is made each day and, with its size, that one was made now."""
    before = last(session)
    made_at, size = (before.made_at, before.size_bytes) if before else (None, 0)
    if size_bytes is not None:
        made_at, size = now, size_bytes
    if made_at is None and not is_scheduled:
        # A schedule that was taken back before its first backup.
        _put(session, None)
        return
    _put(session, Backup(made_at=made_at, size_bytes=size, is_scheduled=is_scheduled,
                         expected_since=before.expected_since if before else now))


def begin_anew(session: Session, now: datetime) -> None:
    """Forget the backups of the server that this one was restored from: this one has none, and shall get some."""
    before = last(session)
    _put(session, Backup(made_at=None, size_bytes=0, is_scheduled=before is not None and before.is_scheduled,
                         expected_since=now))


def _put(session: Session, backup: Backup | None) -> None:
    fact = session.get(Fact, _KEY)
    if backup is None:
        if fact is not None:
            session.delete(fact)
        return
    value = json.dumps({
        "made_at": backup.made_at.isoformat() if backup.made_at else None, "size_bytes": backup.size_bytes,
        "is_scheduled": backup.is_scheduled, "expected_since": backup.expected_since.isoformat()})
    if fact is None:
        session.add(Fact(key=_KEY, value=value))
    else:
        fact.value = value
