"""Asks a host's engines for their counters every ten seconds, and enforces what follows: quotas, periods, expiry."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from .. import users
from ..protocols import engine_key
from ..store.database import Database
from ..store.models import MAIN
from . import accounting, uncounted
from .agent import Agent, AgentError, Report
from .uncounted import Uncounted

PERIOD_SECONDS = 10.0
"""Between two looks: how late a quota or an expiry may be enforced, and how much traffic an engine's end may lose."""

_log = logging.getLogger(__name__)


class Accountant:
    """Takes one step after the other; each counts and enforces.

    Each host has one of its own, so that a host that does not answer delays no other's counting. What is enforced is
    everybody's: quotas are of the sums over all hosts.
    """

    def __init__(self, agents: Mapping[str, Agent], database: Database, zone: ZoneInfo,
                 known_by_all: Callable[[], int | None], host: str = MAIN) -> None:
        """The agents are those of the host, by engine.

        known_by_all returns the revision that every engine has at least, or None if one may not have any."""
        self.traffic: Counter[tuple[str, str]] = Counter()
        """Bytes since the panel's start, by protocol and `up` or `down`; they never fall, as the users' sums may."""

        self.uncounted: Mapping[str, Uncounted] = {}
        """What was not counted at the last look, by engine."""

        self._agents = agents
        self._database = database
        self._zone = zone
        self._known_by_all = known_by_all
        self._host = host

    def step(self) -> float:
        """Count, then enforce; return for how many seconds to pause."""
        reports, faults = self._reports()
        forgotten = self._known_by_all()
        now = datetime.now(UTC)
        try:
            faults = self._count(now, reports) | faults
        except Exception:
            faults = dict.fromkeys(self._agents, uncounted.NOT_WRITTEN)
            raise
        finally:
            self.uncounted = uncounted.following(self.uncounted, faults, now, self._host)
        # A transaction of its own: whoever changes users waits for one of them at a time.
        with self._database.write() as session:
            users.await_writers(session)
            # By the time after the wait: a user whom another's change found expired meanwhile would be let in again.
            for user in users.refresh_status(session, datetime.now(UTC)):
                _log.info("User %d is %s now.", user.id, user.status)
            if forgotten is not None:
                users.purge(session, forgotten)
        return PERIOD_SECONDS

    def _count(self, now: datetime, reports: Mapping[str, Report]) -> dict[str, str]:
        """Add up what the engines told; return the fault of each whose counters were refused."""
        with self._database.read() as session:
            found = accounting.look(session, now, reports, self._host)
        with self._database.write() as session:
            users.roll_periods(session, now, self._zone)
            added = accounting.add(session, now, found.changes, self._host)
            accounting.forget_old_hours(session, now)
        self.traffic.update(added)
        return uncounted.refusals(found.refused)

    def _reports(self) -> tuple[dict[str, Report], dict[str, str]]:
        """Return what each engine told, or why it told nothing."""
        reports, faults = {}, {}
        for engine, agent in self._agents.items():
            try:
                reports[engine] = agent.traffic()
            except AgentError as error:
                # The synchroniser, which asks more often, may meet the same fault and log it.
                _log.debug("Engine %s gave no counters: %s", engine_key(self._host, engine), error)
                faults[engine] = str(error)
        return reports, faults
