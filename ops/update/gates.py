"""What a replaced service must pass before the next one is touched, and all of them before an update counts."""

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from ..docker import Engine
from ..errors import OperatorError
from ..operations.services import Service
from ..operations.words import printable
from ..panel import Panel

HEALTH_SECONDS = 50
"""How long a running container may be without its first good check: the start period, and some."""

SOAK_SECONDS = 40
"""How long every container must have run well without a fault; what crashes after 30 s is meant to be caught."""

_LOOK_SECONDS = 2.0
_SHOWN_LINES = 5


class Patience:
    """Tells when a service that is made by the run that begins now has been unhealthy for too long."""

    def __init__(self, engine: Engine, stack: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._stack, self._clock = engine, stack, clock
        self._next = 0.0
        self._since: dict[str, float] = {}
        # One that was ill before may be what the run is for.
        self._old = {entry["Id"] for entry in engine.inspect_services(stack)}

    def __call__(self) -> bool:
        """Look, if it is time to; cheap else."""
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + _LOOK_SECONDS
        ill = {entry["Id"] for entry in self._engine.inspect_services(self._stack)
               if entry["Id"] not in self._old and entry["State"]["Running"]
               and (entry["State"].get("Health") or {}).get("Status") != "healthy"}
        self._since = {number: self._since.get(number, now) for number in ill}
        return any(now - began >= HEALTH_SECONDS for began in self._since.values())


def soak(engine: Engine, stack: str, names: Collection[str], show: Callable[[str], None],
         sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait until each of these services has run well for some time; raises OperatorError at the first that falls."""
    first = _services(engine, stack, names)
    # All are healthy now. Since when, the engine does not tell, but none took longer than the gate allows.
    ages = {name: min(_age(service), HEALTH_SECONDS) + SOAK_SECONDS for name, service in first.items()}
    show(f"All are up; each is watched until it has run well for {SOAK_SECONDS} s.")
    while True:
        services = _services(engine, stack, names)
        for service in services.values():
            _refuse(engine, service, first.get(service.name, service))
        if missing := sorted(set(names) - services.keys()):
            raise OperatorError(f"{missing[0]} has no container any more.")
        if all(_age(service) >= ages[name] for name, service in services.items()):
            return
        sleep(_LOOK_SECONDS)


def readable(engine: Engine) -> None:
    """Ask the panel for what its tables hold; raises OperatorError when it cannot tell."""
    panel = Panel(engine)
    try:
        for path in ("/users", "/accounts", "/overview"):
            panel.call("GET", path)
    except OperatorError as error:
        raise OperatorError(f"the new panel cannot read its store: {error}") from error


def _refuse(engine: Engine, service: Service, first: Service) -> None:
    if service.state != "running" or service.health == "unhealthy":
        fault = f"{service.name} {service.fault}"
    elif service.since != first.since or (service.restarts and _age(service) < SOAK_SECONDS):
        fault = f"{service.name} has ended and was started again."
    else:
        return
    # The way back takes the container away, and what it said with it.
    lines = engine.logs(service.container).strip().splitlines()[-_SHOWN_LINES:]
    raise OperatorError("\n".join([fault, *(f"    {printable(line)}" for line in lines)]))


def _services(engine: Engine, stack: str, names: Collection[str]) -> dict[str, Service]:
    found = map(Service.of, engine.inspect_services(stack))
    return {service.name: service for service in found if service.name in names}


def _age(service: Service) -> float:
    return (datetime.now(UTC) - service.since).total_seconds() if service.since else 0.0
