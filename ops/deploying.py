"""The one run of Pulumi that deploys all of it; what comes before and after is each command's own."""

from . import certificates
from .docker import Engine
from .errors import OperatorError
from .events import Follower
from .stack import Stack


def deploy(stack: Stack, engine: Engine, *words: str) -> Follower:
    """Bring what runs to what the program says; raises OperatorError with the best reason that can be found."""
    stack.repair(engine)
    try:
        return stack.run("up", "--yes", *words)
    except OperatorError as error:
        raise certificates.explained(engine, error) from error
