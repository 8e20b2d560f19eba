"""Brings one engine's users to what the store says, and keeps them so.

The agent's own word for what it has decides what it is sent, so nothing about engines needs to be remembered over a
restart of the panel: whoever was killed between the store and the engine goes on where the engine stands.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..protocols import engine_key, engine_name
from ..store.database import Database
from ..store.models import MAIN, User
from .agent import Agent, AgentError, ConflictError, Secrets, Status
from .digest import digest
from .expected import Expected
from .revision import Revision, current

LOOK_SECONDS = 2.0
"""Between two looks at an engine that has what it should have: how soon its restart is seen."""

VERIFY_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 10.0
_log = logging.getLogger(__name__)

View = Callable[[User, str], Secrets | None]
"""What an engine is told of a user; None if it must not know them."""

@dataclass(frozen=True, kw_only=True)
class Health:
    """What the panel knows of an engine."""

    engine: str
    """As engine_key calls it."""

    state: str = "pending"
    """applied, pending or failed."""

    fault: str = ""
    """A sentence without its subject, which is the engine; empty unless failed."""

    revision: Revision | None = None
    """What the engine has written down; None before its first answer."""

    users: int = 0
    instance: str = ""
    seen_at: datetime | None = None
    """When the agent last answered."""

    confirmed_at: datetime
    """When the engine last had everything; the panel's start if that was never."""


class Synchroniser:
    """Takes one step after the other; each ends with the engine as the store wants it, or with its fault noted."""

    def __init__(self, engine: str, agent: Agent, database: Database, view: View,
                 verify_seconds: float = VERIFY_SECONDS, *, host: str = MAIN, expected: Expected | None = None) -> None:
        """Expected is shared with the synchronisers of other hosts whose engine is told the same."""
        self.health = Health(engine=engine_key(host, engine), confirmed_at=datetime.now(UTC))
        self._engine = engine
        self._agent = agent
        self._database = database
        self._view = view
        self._verify_seconds = verify_seconds
        self._verified_at = float("-inf")
        self._expected = expected or Expected()
        self._failures = 0

    def step(self) -> float:
        """Look at the engine and tell it what it lacks; return for how many seconds to pause."""
        try:
            status = self._reconcile()
        except AgentError as error:
            self._note_failure(str(error))
        else:
            self._note(status)
        return LOOK_SECONDS if not self._failures else min(2.0 ** (self._failures - 1), _LONGEST_PAUSE_SECONDS)

    def _reconcile(self) -> Status:
        status = self._agent.status()
        if status.instance != self.health.instance:
            # What another run of the engine read from its volume is trusted only after a comparison.
            self._verified_at = float("-inf")
        status = self._bring(status)
        if time.monotonic() - self._verified_at >= self._verify_seconds:
            status = self._verify(status)
            self._verified_at = time.monotonic()
        return status

    def _bring(self, status: Status) -> Status:
        had = Revision.parse(status.revision)
        with self._database.read() as session:
            wanted = current(session)
            if wanted == had:
                return status
            is_change = had is not None and wanted.follows(had)
            views = self._views(session, had.number if had is not None and is_change else 0)
        if not is_change:
            return self._replace(wanted, _known(views))
        try:
            return self._agent.change(
                status.revision, str(wanted), _known(views), [name for name, view in views.items() if view is None])
        except ConflictError:
            return self._bring_all()

    def _bring_all(self) -> Status:
        with self._database.read() as session:
            wanted, known = current(session), _known(self._views(session, 0))
        return self._replace(wanted, known)

    def _replace(self, wanted: Revision, known: dict[str, Secrets]) -> Status:
        self._expected.put(wanted, digest(known))
        return self._agent.replace(str(wanted), known)

    def _verify(self, status: Status) -> Status:
        had = Revision.parse(status.revision)
        revision, expected = self._expected.get(had, self._digest)
        # Else the store went on meanwhile, and the next step with it.
        if revision != had or expected == status.digest:
            return status
        _log.warning(
            "Engine %s has other users than it should have at its revision; it is told all.", self.health.engine)
        return self._bring_all()

    def _digest(self) -> tuple[Revision, str]:
        with self._database.read() as session:
            return current(session), digest(_known(self._views(session, 0)))

    def _views(self, session: Session, after: int) -> dict[str, Secrets | None]:
        users = session.scalars(select(User).where(User.revision > after).execution_options(yield_per=1000))
        return {engine_name(user.id): self._view(user, self._engine) for user in users}

    def _note(self, status: Status) -> None:
        if not status.applied:
            self._note_failure(f"its agent says: {status.fault}", status)
            return
        now = datetime.now(UTC)
        if self.health.state != "applied":
            _log.info("Engine %s has its %d users.", self.health.engine, status.users)
        self._failures = 0
        self.health = replace(
            self.health, state="applied", fault="", revision=Revision.parse(status.revision), users=status.users,
            instance=status.instance, seen_at=now, confirmed_at=now)

    def _note_failure(self, fault: str, status: Status | None = None) -> None:
        if fault != self.health.fault:
            _log.warning("Engine %s: %s", self.health.engine, fault)
        self._failures += 1
        self.health = replace(self.health, state="failed", fault=fault)
        if status is not None:
            self.health = replace(
                self.health, revision=Revision.parse(status.revision), users=status.users, instance=status.instance,
                seen_at=datetime.now(UTC))


def _known(views: dict[str, Secrets | None]) -> dict[str, Secrets]:
    return {name: view for name, view in views.items() if view is not None}
