"""The one place that speaks to the engines: brings users to them, counts traffic, enforces quotas and expiry.

All of it goes on in background threads. Whoever changes users needs to do no more than commit: that wakes them.
"""

import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from ..background import Loop
from ..config import PanelConfig
from ..protocols import engine_view
from ..store.database import Database
from ..store.models import User
from . import certificates, overview, revision
from .accountant import Accountant
from .agent import Agent, Secrets
from .certificates import Certificate
from .overview import Engine, Overview
from .synchroniser import Synchroniser
from .uncounted import Uncounted

__all__ = ["Certificate", "Engine", "Engines", "Overview", "Uncounted"]

_HTTPS = 443
_CERTIFICATES_SECONDS = 3600.0
_CERTIFICATES_FAULT_SECONDS = 60.0
# The web server starts after the panel, and may be getting its first certificates.
_FIRST_CERTIFICATES_SECONDS = 5.0
_STOP_SECONDS = 0.2


class Engines:
    """The engines of a server, and what is known of them; without a server there are none, and none is asked."""

    def __init__(self, config: PanelConfig, database: Database) -> None:
        self._config = config
        self._database = database
        self._certificates = tuple(Certificate(name=name) for name in _names(config))
        # Two connections to each, for a connection belongs to one thread.
        told, asked = _agents(config), _agents(config)
        self._agents = [*told.values(), *asked.values()]
        self._synchronisers = [Synchroniser(name, agent, database, self._view) for name, agent in told.items()]
        self._accountant = Accountant(asked, database, config.time_zone, self._known_by_all)
        self._bringing = [Loop(f"users of {one.health.engine}", one.step) for one in self._synchronisers]
        self._others = [Loop("accounting", self._accountant.step), Loop("certificates", self._read_certificates)]

    def start(self) -> None:
        """Begin to bring users to the engines, at once and after each commit, and to count."""
        self._database.on_commit(self.wake)
        for loop in [*self._bringing, *self._others]:
            loop.start()

    def stop(self) -> None:
        """End all threads; one that waits for an answer is left to the end of the process, which harms nothing."""
        loops = [*self._bringing, *self._others]
        for loop in loops:
            loop.stop()
        end = time.monotonic() + _STOP_SECONDS
        for loop in loops:
            loop.join(max(0.0, end - time.monotonic()))
        for agent in self._agents:
            agent.close()

    def wake(self) -> None:
        """Let every engine's thread look at the store now."""
        for loop in self._bringing:
            loop.wake()

    @property
    def traffic(self) -> Mapping[tuple[str, str], int]:
        """Bytes that were counted since the panel's start, by protocol and `up` or `down`."""
        return self._accountant.traffic

    def overview(self) -> Overview:
        """Return what is known of the server now."""
        now = datetime.now(UTC)
        with self._database.read() as session:
            current = revision.current(session).number
            engines = tuple(overview.engine(one.health, current, now) for one in self._synchronisers)
            return overview.look(
                session, now, engines, self._certificates, tuple(self._accountant.uncounted.values()))

    def _view(self, user: User, engine: str) -> Secrets | None:
        return engine_view(user, engine, self._config.server) if self._config.server is not None else None

    def _known_by_all(self) -> int | None:
        revisions = [one.health.revision.number for one in self._synchronisers
                     if one.health.state == "applied" and one.health.revision is not None]
        # Without engines nobody needs to forget anybody.
        return min(revisions, default=sys.maxsize) if len(revisions) == len(self._synchronisers) else None

    def _read_certificates(self) -> float:
        self._certificates = tuple(certificates.following(
            before, certificates.read(self._config.proxy_address, _HTTPS, before.name), datetime.now(UTC))
            for before in self._certificates)
        if any(certificate.expires_at is None for certificate in self._certificates):
            return _FIRST_CERTIFICATES_SECONDS
        is_faulty = any(certificate.fault for certificate in self._certificates)
        return _CERTIFICATES_FAULT_SECONDS if is_faulty else _CERTIFICATES_SECONDS


def _names(config: PanelConfig) -> list[str]:
    server = config.server
    return sorted({server.domain, *server.names.values()}) if server is not None else []


def _agents(config: PanelConfig) -> dict[str, Agent]:
    return {name: Agent(access.url, access.token) for name, access in config.engines.items()}
