"""`ops verify`: asks the state what was promised and the engine what is there, and compares."""

from collections.abc import Collection
from dataclasses import replace

from ..docker import Engine
from ..errors import OperatorError
from ..rotate import configured as rotations
from ..stack import Stack
from ..target import settings
from . import containers, hunt, images, networks, ports
from . import engine as engine_checks
from .checks import Check
from .host import HostFacts
from .inspect import Observed, is_running
from .known import secrets_of
from .promises import Promises
from .state import CONTAINER, State

_PARAMETERS = ("net.ipv4.ip_forward", "net.ipv4.conf.all.src_valid_mark", "net.ipv6.conf.all.forwarding")


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
    observed = Observed.of(engine)
    entries = containers.chosen(promises, observed, beside, only_own=only_own)
    pids = [int(entry["State"]["Pid"]) for entry in observed.containers if is_running(entry)]
    facts = containers.settled(lambda: HostFacts.of(engine, pids, _PARAMETERS),
                               lambda found: containers.of_processes(promises, observed, entries, found))
    known = secrets_of(state, stack.passphrase(), rotations.read(promises.settings))
    others = ports.of_others(observed.containers, entries)
    if only_own:
        strangers = {str(entry["Id"]) for entry in observed.containers} - {str(entry["Id"]) for entry in entries}
        observed, facts = replace(observed, containers=tuple(entries)), facts.outside(strangers)
    return [*containers.checks(promises, observed, entries),
            *containers.of_processes(promises, observed, entries, facts),
            *ports.checks(promises, entries, facts, others), *networks.checks(promises, observed),
            *images.checks(promises, observed), *engine_checks.checks(promises, observed),
            *hunt.checks(known, stack, engine, observed, entries, facts)]
