"""Brings this machine's base image to the engine that builds, which cannot pull it: no registry has it."""

import shutil
from collections.abc import Callable

from ..docker import Engine, last_line
from ..errors import OperatorError
from ..target import Target

OS_IMAGE = "stealth-vpn/os:trixie"
"""As toolchain/base.sh makes it."""

_LOCAL = "unix:///var/run/docker.sock"


def hand_over(name: str, show: Callable[[str], None]) -> None:
    """Load the base image into the stack's engine, unless that is this machine's; raises OperatorError."""
    target = Target.read(name)
    if target.is_local:
        return
    saving = Engine(_LOCAL).stream("save", OS_IMAGE)
    loading = Engine(target.docker_host).stream("load", "--quiet", is_fed=True)
    if saving.stdout is None or loading.stdin is None:
        raise ValueError("both are streams of bytes")
    try:
        shutil.copyfileobj(saving.stdout, loading.stdin)
    except BrokenPipeError:
        pass  # what it said tells why
    finally:
        _, fault = loading.communicate()
        _, fault_here = saving.communicate()
    if saving.returncode or loading.returncode:
        said = last_line((fault_here if saving.returncode else fault).decode(errors="replace"))
        raise OperatorError(f"the base image {OS_IMAGE} did not reach {target.docker_host}: {said}. "
                            "Make it here by `make base-refresh`, and look at that engine by `make doctor`.")
    show(f"The base image of this machine is on {target.docker_host}.")
