"""The one run of Pulumi that deploys all of it; what comes before and after is each command's own."""

from collections.abc import Callable

from . import certificates
from .docker import Engine
from .errors import OperatorError
from .events import Follower
from .fleet import access, images
from .fleet.hosts import read
from .fleet.reach import Reach, ask
from .hosting import renewed
from .stack import Stack
from .target import Target


def reach(stack: Stack, show: Callable[[str], None], *, deploys: bool = False) -> Reach:
    """Ask the fleet's further hosts, and say which a run leaves out; a server alone has none."""
    found = ask(read(stack.name), deploys=deploys)
    found.tell(show)
    return found


def deploy(stack: Stack, engine: Engine, *words: str, show: Callable[[str], None] = lambda _: None) -> Follower:
    """Bring what runs to what the program says; raises OperatorError with the best reason that can be found.

    Hosts of a fleet that do not answer are left out, and stand in the follower.
    """
    found = reach(stack, show, deploys=True)
    stack.repair(engine, {host.name: host.engine for host in found.there})
    again = renewed(stack, engine)
    brought = images.bring(stack, Engine(Target.read(stack.name).builder), found, show)
    for host in brought.away.keys() - found.away.keys():
        show(f"Host {host.name} is left out: {brought.away[host]}")
    try:
        follower = stack.run("up", "--yes", *words, *again, *brought.exclusions())
    except OperatorError as error:
        raise certificates.explained(engine, error) from error
    faults = access.grant(stack, brought.there)
    for name, fault in faults.items():
        show(f"The panel does not reach {name}, for its tunnel cannot be let in there: {fault}.")
    follower.left_out = {host.name for host in brought.away} | faults.keys()
    return follower
