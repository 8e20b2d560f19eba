"""`ops verify`: asks the state what was promised and the engine what is there, and compares."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Self

from ..docker import Engine
from ..errors import OperatorError
from ..rotate import configured as rotations
from ..stack import Stack
from ..target import settings
from . import containers, hunt, images, networks, ports
from . import engine as engine_checks
from .checks import Check
from .host import HostFacts
from .inspect import Entry, Observed, is_running, name_of
from .known import secrets_of
from .promises import Promises
from .state import CONTAINER, State

_PARAMETERS = ("net.ipv4.ip_forward", "net.ipv4.conf.all.src_valid_mark", "net.ipv6.conf.all.forwarding")


@dataclass(frozen=True, kw_only=True)
class Look:
    """What an engine and its machine told at one moment, and which containers of it are judged."""

    observed: Observed
    entries: tuple[Entry, ...]
    facts: HostFacts

    @classmethod
    def at(cls, promises: Promises, engine: Engine, beside: Collection[str] = (), *, only_own: bool) -> Self:
        """Ask for all of it; raises OperatorError when that cannot be read."""
        observed = Observed.of(engine)
        entries = tuple(containers.chosen(promises, observed, beside, only_own=only_own))
        pids = [int(entry["State"]["Pid"]) for entry in observed.containers if is_running(entry)]
        facts = containers.settled(lambda: HostFacts.of(engine, pids, _PARAMETERS),
                                   lambda found: containers.of_processes(promises, observed, entries, found))
        return cls(observed=observed, entries=entries, facts=facts)

    def narrowed(self) -> Self:
        """Return what is left of it without the containers that are not judged and what runs in them."""
        strangers = {str(entry["Id"]) for entry in self.observed.containers} - {
            str(entry["Id"]) for entry in self.entries}
        return replace(self, observed=replace(self.observed, containers=self.entries),
                       facts=self.facts.outside(strangers))


def state_of(stack: Stack) -> State:
    """Return what the stack's last deploy wrote down; raises OperatorError when there was none."""
    settings(stack.name)  # says it when there is no such stack
    state = State.parse(stack.export()) if stack.is_made() else State(resources=())
    if not state.of(CONTAINER):
        raise OperatorError(f"stack {stack.name} has no server to verify. Deploy one with `make up`.")
    return state


def run(stack: Stack, state: State, beside: Collection[str] = (), *, only_own: bool = False) -> list[Check]:
    """Compare the stack's state with its engine; raises OperatorError when that cannot be read.

    Every container on the engine is judged, but those named by `beside`, which shall only keep away from the server
    and its secrets. With `only_own` other containers and what runs in them are left alone unless they touch the server:
    somebody may use the server from its own machine.
    """
    promises = Promises(stack=stack.name, settings=settings(stack.name), state=state)
    engine = Engine(str(promises.settings["dockerHost"]))
    look = Look.at(promises, engine, beside, only_own=only_own)
    others = ports.of_others(look.observed.containers, look.entries)
    known = secrets_of(state, stack.passphrase(), rotations.read(promises.settings))
    if only_own:
        look = look.narrowed()
    observed, entries, facts = look.observed, look.entries, look.facts
    return [*containers.checks(promises, observed, entries),
            *containers.of_processes(promises, observed, entries, facts),
            *ports.checks(promises, entries, facts, others), *networks.checks(promises, observed),
            *images.checks(promises, observed), *engine_checks.checks(promises, observed),
            *hunt.checks(known, stack, engine, observed, entries, facts)]


def of_deploy(promises: Promises) -> list[Check]:
    """Compare only what the deploy made, and who has joined it, with its state; raises OperatorError like `run`."""
    look = Look.at(promises, Engine(str(promises.settings["dockerHost"])), only_own=True)
    made = [entry for entry in look.entries if name_of(entry) in promises.containers]
    return [*containers.of_deploy(promises, look.observed, look.entries),
            *containers.of_processes(promises, look.observed, made, look.facts),
            *networks.checks(promises, look.observed), *images.checks(promises, look.observed)]
