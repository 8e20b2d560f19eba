"""What the panel does for one host: threads that bring users to its engines, and one that counts its traffic.

Each has connections of its own, so a host or an engine that does not answer delays no other.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ..background import Loop
from ..config import EngineAccess, ServerFacts
from ..protocols import engine_view
from ..store.database import Database
from ..store.models import MAIN, User
from .accountant import Accountant
from .agent import Agent, Secrets
from .expected import ExpectedOf
from .synchroniser import Synchroniser

PATIENCE = timedelta(seconds=60)
"""How long every engine of a host may be silent until users are not told of it. An engine is asked each 15 seconds at
least, and a deploy or a restart of a host takes less than this; client programs read their link twice a day."""


class Host:
    """One host of a fleet, or the only server."""

    def __init__(
        self, name: str, engines: Mapping[str, EngineAccess], server: ServerFacts | None, database: Database,
        zone: ZoneInfo, known_by_all: Callable[[], int | None], expected: ExpectedOf,
    ) -> None:
        """A host without a server has no engines; known_by_all and zone are the Accountant's."""
        self.name = name
        self._server = server
        # Two connections to each engine, for a connection belongs to one thread.
        told, asked = _agents(engines), _agents(engines)
        self._agents = [*told.values(), *asked.values()]
        self.synchronisers = [
            Synchroniser(engine, agent, database, self._view, host=name, expected=expected(engine, server))
            for engine, agent in told.items()]
        self.accountant = Accountant(asked, database, zone, known_by_all, name)
        self._bringing = [Loop(f"users of {one.health.engine}", one.step) for one in self.synchronisers]
        of_host = "" if name == MAIN else f" of {name}"
        self._counting = Loop(f"accounting{of_host}", self.accountant.step)
        self._began_at = datetime.now(UTC)

    @property
    def loops(self) -> list[Loop]:
        """All threads of the host."""
        return [*self._bringing, self._counting]

    @property
    def seen_at(self) -> datetime | None:
        """When one of the engines last answered; None if that was never, since the panel's start."""
        return max((one.health.seen_at for one in self.synchronisers if one.health.seen_at), default=None)

    def is_healthy(self, now: datetime) -> bool:
        """Whether an engine has answered within PATIENCE, which begins with the panel's start."""
        return now - (self.seen_at or self._began_at) < PATIENCE

    def wake(self) -> None:
        """Let every engine's thread look at the store now."""
        for loop in self._bringing:
            loop.wake()

    def close(self) -> None:
        """End all connections."""
        for agent in self._agents:
            agent.close()

    def _view(self, user: User, engine: str) -> Secrets | None:
        return engine_view(user, engine, self._server) if self._server is not None else None


def _agents(engines: Mapping[str, EngineAccess]) -> dict[str, Agent]:
    return {name: Agent(access.url, access.token) for name, access in engines.items()}
