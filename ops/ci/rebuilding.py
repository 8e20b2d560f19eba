"""Brings this machine's base image to the engine that builds, which cannot pull it: no registry has it."""

from collections.abc import Callable

from ..carrying import carry
from ..docker import Engine
from ..errors import OperatorError
from ..target import HERE, Target

OS_IMAGE = "stealth-vpn/os:trixie"
"""As toolchain/base.sh makes it."""


def hand_over(name: str, show: Callable[[str], None]) -> None:
    """Load the base image into the stack's engine, unless that is this machine's; raises OperatorError."""
    target = Target.read(name)
    if target.is_local:
        return
    if said := carry(Engine(HERE), Engine(target.docker_host), [OS_IMAGE]):
        raise OperatorError(f"the base image {OS_IMAGE} did not reach {target.docker_host}: {said}. "
                            "Make it here by `make base-refresh`, and look at that engine by `make doctor`.")
    show(f"The base image of this machine is on {target.docker_host}.")
