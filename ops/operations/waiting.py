"""Waits until services are healthy; the last step of all that starts some."""

import time
from collections.abc import Collection

from ..docker import CADDY, Container, Engine
from ..errors import OperatorError

# Containers that came up with the engine a moment ago get the time of their start period.
HEALTH_SECONDS = 60
_POLL_SECONDS = 0.5


def await_health(engine: Engine, stack: str, names: Collection[str], again: str) -> list[Container]:
    """Return the containers of these services once all are healthy; `again` is the command to repeat if not.

    Others may be as they are. Raises OperatorError with the first fault when the time is over.
    """
    end = time.monotonic() + HEALTH_SECONDS
    while True:
        containers = [item for item in engine.services(stack) if item.name.removeprefix("stealth-") in names]
        faults = _faults(engine, containers)
        if not faults:
            return containers
        if time.monotonic() > end:
            container, fault = next(iter(faults.items()))
            raise OperatorError(
                f"{container} {fault} after {HEALTH_SECONDS} s. "
                f"Look at `docker logs {container}`, mend what it says, and run `{again}` again.")
        time.sleep(_POLL_SECONDS)


def _faults(engine: Engine, containers: list[Container]) -> dict[str, str]:
    """Return what is wrong by container, in words that follow its name."""
    bad = {item.name: f"is {item.state} and {item.health or 'not checked'}"
           for item in containers if item.health != "healthy"}
    if bad or CADDY not in {item.name for item in containers}:
        return bad
    # The engine's verdict can be half a minute old. Caddy's check asks for what a visitor meets and for REALITY's
    # measurement, which Xray makes anew when it restarts.
    fault = engine.check(CADDY)
    return {CADDY: f"fails its check ({fault})"} if fault else {}
