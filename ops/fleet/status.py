"""What runs on a fleet's further hosts, for `ops status`."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import OperatorError
from ..operations import services
from ..operations.services import Service
from ..target import Target
from .hosts import Host

_AT_ONCE = 20


@dataclass(frozen=True, kw_only=True)
class HostStatus:
    """One further host at one moment."""

    host: Host
    services: tuple[Service, ...] = ()
    fault: str = ""
    """Why its engine does not answer; empty if it does."""

    @property
    def faults(self) -> list[str]:
        """All that is wrong there, a sentence each."""
        if self.fault:
            return [f"Host {self.host.name} does not answer: {self.fault}"]
        return [f"{service.name} on {self.host.name} {service.fault}" for service in self.services if service.fault]

    @property
    def line(self) -> str:
        """What is there, in one line."""
        if self.fault:
            return f"Host {self.host.name} ({self.host.domain}): does not answer."
        well = sum(not service.fault for service in self.services)
        return f"Host {self.host.name} ({self.host.domain}): {well} of {len(self.services)} services are healthy."

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {"name": self.host.name, "domain": self.host.domain, "dockerHost": self.host.docker_host,
                "fault": self.fault, "services": [
                    asdict(service) | {"since": service.since.isoformat() if service.since else None}
                    for service in self.services]}


def look(hosts: Sequence[Host], main: Target) -> tuple[HostStatus, ...]:
    """Ask each engine, all at the same time."""
    if not hosts:
        return ()
    with ThreadPoolExecutor(min(len(hosts), _AT_ONCE)) as pool:
        return tuple(pool.map(lambda host: _look(host, main), hosts))


def _look(host: Host, main: Target) -> HostStatus:
    engine = host.engine
    try:
        engine.version()
        return HostStatus(host=host, services=tuple(services.look(engine, host.target(main))))
    except OperatorError as error:
        return HostStatus(host=host, fault=str(error))
