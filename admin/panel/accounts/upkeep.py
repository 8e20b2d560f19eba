"""What is done by itself, each hour: old sessions and counts go, and once a day the audit log is checked."""

import logging
from datetime import UTC, datetime, timedelta

from .. import audit
from ..background import Loop
from ..store.database import Database
from . import throttle
from .sessions import StoredSessions

_PAUSE_SECONDS = 3600.0
_CHECK_EVERY = timedelta(days=1)
_log = logging.getLogger(__name__)


class Upkeep:
    """A thread beside the requests."""

    def __init__(self, database: Database, stored: StoredSessions) -> None:
        self.audit_broken_at: int | None = None
        """Id of the first entry of the audit log that does not follow from the one before it; None if all do."""

        self._database, self._stored = database, stored
        self._checked_at: datetime | None = None
        self._loop = Loop("upkeep", self.step)

    def start(self) -> None:
        """Begin, and check the audit log at once."""
        self._loop.start()

    def stop(self) -> None:
        """End after the step that is being taken."""
        self._loop.stop()

    def step(self) -> float:
        """Do what is due; return the seconds until the next time."""
        now = datetime.now(UTC)
        with self._database.write() as session:
            self._stored.sweep(session, now)
            throttle.sweep(session, now)
        if self._checked_at is None or now - self._checked_at >= _CHECK_EVERY:
            self._check_audit()
            self._checked_at = now
        return _PAUSE_SECONDS

    def _check_audit(self) -> None:
        with self._database.read() as session:
            self.audit_broken_at = audit.broken_at(session)
            count, last = audit.head(session)
        if self.audit_broken_at is not None:
            _log.error("The audit log was changed by somebody else than the panel, at or before its entry %d; compare "
                       "it with a copy from before.", self.audit_broken_at)
        # An end that was cut off leaves a whole chain; who keeps these lines elsewhere sees it.
        _log.info("The audit log has %d entries, the last with the hash %s.", count, last)
