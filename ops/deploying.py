"""The one preview and run of Pulumi that deploy all of it; what comes before and after is each command's own."""

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

    Looked at first, and judged by the policies as a whole; where nothing differs, that was all. Hosts of a fleet that
    do not answer are left out, and stand in the follower.
    """
    found = reach(stack, show, deploys=True)
    stack.repair(engine, {host.name: host.engine for host in found.there})
    words = (*words, *renewed(stack, engine))
    follower = stack.run("preview", *words, *found.exclusions())
    brought = images.bring(Engine(Target.read(stack.name).builder), found, follower.planned, show)
    for host in brought.away.keys() - found.away.keys():
        show(f"Host {host.name} is left out: {brought.away[host]}")
    if follower.differs:
        try:
            follower = stack.run("up", "--yes", "--skip-preview", *words, *brought.exclusions())
        except OperatorError as error:
            raise certificates.explained(engine, error) from error
    faults = access.grant(stack, brought.there)
    for name, fault in faults.items():
        show(f"The panel does not reach {name}, for its tunnel cannot be let in there: {fault}.")
    follower.left_out = {host.name for host in brought.away} | faults.keys()
    return follower
