"""The way to a new version, once its code is here: judged as a whole, built, replaced one service at a time, checked.

Whatever fails raises OperatorError, and the way back begins (back.py). Every step may be done again.
"""

from collections.abc import Callable, Collection, Mapping, Set
from typing import Any

from .. import certificates
from ..docker import Engine
from ..errors import OperatorError
from ..operations import builds
from ..operations.waiting import await_health
from ..stack import Stack
from ..target import FULL, Target
from ..verify.state import State
from . import checks, gates
from .gates import Patience

ORDER = ("xray", "trojan", "singbox", "wireguard", "admin", "caddy")
"""Caddy comes last: it waits for the others, and all connections by TCP pass it."""

_PARTS = ("image", "rendered", "writer")


class Forward:
    """An update under way."""

    def __init__(self, engine: Engine, target: Target, stack: Stack, show: Callable[[str], None]) -> None:
        self._engine, self._target, self._stack, self._show = engine, target, stack, show

    def go(self) -> list[str]:
        """Bring the server to what is checked out; return the services that were replaced."""
        self._stack.prepare()
        self._stack.repair(self._engine)
        before = self._containers()
        self._show("Previewing the new version, which the policies judge ...")
        follower = self._stack.run("preview")
        self._show(follower.verdict.sentence())
        services = self._provide(follower.planned)
        self._replace_around(follower.planned.keys())
        for service in services:
            self._replace(service)
        self._run("up", "--yes", "--skip-preview")
        await_health(self._engine, self._target.stack, self._target.running, "ops update")
        self._check()
        return sorted(name for name, number in self._containers().items() if before.get(name) != number)

    def _provide(self, planned: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Let the new images be on the engine; return the services that get another container, in their order."""
        builds.build_for(self._target, self._engine, planned, self._show)
        return services_of(planned.keys())

    def _replace_around(self, planned: Set[str]) -> None:
        """Make what is neither image nor container of a service, which the services may need."""
        services = [name for name in FULL for part in ("", "-writer", "-image") if f"stealth-{name}{part}" in planned]
        if len(services) < len(planned - {"stealth-builder-image"}):
            around = [word for name in FULL for part in ("", "-writer", "-image") for word in
                      ("--exclude", f"**::stealth-{name}{part}")]
            self._run("up", "--yes", "--skip-preview", *around)

    def _replace(self, service: str) -> None:
        self._show(f"Replacing {service} ...")
        # The image too: the policies refuse a state in which a container is not of the image that is built for it.
        self._run("up", "--yes", "--skip-preview", *_targets(
            ["stealth-builder-image", f"stealth-{service}", *(f"stealth-{service}-{part}" for part in _PARTS),
             *builds.ALSO_OF.get(service, ()), *builds.also_for(self._target)]))
        if service == "admin" and service in self._target.running:
            gates.readable(self._engine)

    def _run(self, *words: str) -> None:
        try:
            self._stack.run(*words, give_up=Patience(self._engine, self._target.stack))
        except OperatorError as error:
            raise certificates.explained(self._engine, error) from error

    def _check(self) -> None:
        gates.soak(self._engine, self._target.stack, self._target.running, self._show)
        if "admin" in self._target.running:
            gates.readable(self._engine)
        state = State.parse(self._stack.export())
        checks.promises(self._stack, state, self._show)
        checks.probes(self._stack, self._target, state, self._show)
        checks.canary(self._engine, self._target, state, self._show)

    def _containers(self) -> dict[str, str]:
        return {entry["Name"].removeprefix("/stealth-"): entry["Id"]
                for entry in self._engine.inspect_services(self._target.stack)}


def services_of(planned: Set[str]) -> list[str]:
    """Return the services that a preview would replace, by the names of what it would change; in their order."""
    return [name for name in ORDER if planned & {f"stealth-{name}", *(f"stealth-{name}-{part}" for part in _PARTS)}]


def _targets(names: Collection[str]) -> list[str]:
    return [word for name in names for word in ("--target", f"**::{name}")]
