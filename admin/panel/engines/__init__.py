"""The one place that speaks to the engines: brings users to them, counts traffic, enforces quotas and expiry.

All of it goes on in background threads. Whoever changes users needs to do no more than commit: that wakes them.
"""

import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from .. import fleet
from ..background import Loop
from ..config import PanelConfig
from ..fleet import HostHealth
from ..store.database import Database
from ..store.models import MAIN
from . import certificates, overview, revision
from .certificates import Certificate
from .expected import by_view
from .host import Host
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
    """The engines of a server or a fleet, and what is known of them; without any, none is asked."""

    def __init__(self, config: PanelConfig, database: Database) -> None:
        self._config = config
        self._database = database
        self._certificates = tuple(Certificate(name=name) for name in _names(config))
        expected = by_view()
        own = Host(MAIN, config.engines, config.server, database, config.time_zone, self._known_by_all, expected)
        self._hosts = [own, *(
            Host(name, host.engines, host.server, database, config.time_zone, self._known_by_all, expected)
            for name, host in config.hosts.items())]
        self._loops = [*(loop for host in self._hosts for loop in host.loops),
                       Loop("certificates", self._read_certificates)]

    def start(self) -> None:
        """Begin to bring users to the engines, at once and after each commit, and to count."""
        self._database.on_commit(self.wake)
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """End all threads; one that waits for an answer is left to the end of the process, which harms nothing."""
        for loop in self._loops:
            loop.stop()
        end = time.monotonic() + _STOP_SECONDS
        for loop in self._loops:
            loop.join(max(0.0, end - time.monotonic()))
        for host in self._hosts:
            host.close()

    def wake(self) -> None:
        """Let every engine's thread look at the store now."""
        for host in self._hosts:
            host.wake()

    @property
    def traffic(self) -> Mapping[str, Mapping[tuple[str, str], int]]:
        """Bytes that were counted since the panel's start, by host, and by protocol and `up` or `down`."""
        return {host.name: host.accountant.traffic for host in self._hosts}

    def overview(self) -> Overview:
        """Return what is known of the server now."""
        now = datetime.now(UTC)
        with self._database.read() as session:
            current = revision.current(session).number
            engines = tuple(overview.engine(one.health, current, now) for one in self._synchronisers)
            uncounted = (one for host in self._hosts for one in host.accountant.uncounted.values())
            return overview.look(session, now, engines, self._certificates, tuple(uncounted), self.hosts(session, now))

    def hosts(self, session: Session, now: datetime) -> tuple[HostHealth, ...]:
        """Return what is known of each host that clients can be told of, the panel's own first."""
        drained, servers = fleet.drained(session), self._config.servers
        return tuple(HostHealth(
            name=host.name, domain=servers[host.name].domain, is_healthy=host.is_healthy(now),
            drained=host.name in drained, seen_at=host.seen_at) for host in self._hosts if host.name in servers)

    @property
    def _synchronisers(self) -> list[Synchroniser]:
        return [one for host in self._hosts for one in host.synchronisers]

    def _known_by_all(self) -> int | None:
        # A host that is away is waited for, however long: it would not be told of who was deleted without a trace.
        everyone = self._synchronisers
        revisions = [one.health.revision.number for one in everyone
                     if one.health.state == "applied" and one.health.revision is not None]
        # Without engines nobody needs to forget anybody.
        return min(revisions, default=sys.maxsize) if len(revisions) == len(everyone) else None

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
