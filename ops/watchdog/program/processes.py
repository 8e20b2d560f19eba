"""Whether a container's processes are stopped, and the end of its first one."""

import contextlib
import os
import select
import signal

from .engine import Container, Engine

GRACE_SECONDS = 5.0
"""What a process that still runs gets to end by itself."""


def frozen(first: int) -> str:
    """Return the name of a stopped process (state T, proc_pid_stat(5)) among one and its descendants; else nothing.

    What somebody runs in the container by `docker exec` is no descendant of its first process, and may be stopped.
    """
    left = [first]
    while left:
        pid = left.pop()
        # One that ends meanwhile is not stopped.
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/stat", errors="replace") as file:
                name, _, rest = file.read().partition("(")[2].rpartition(")")
            if rest.split()[0] == "T":
                return name
            left += _children(pid)
    return ""


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:
            found += map(int, file.read().split())
    return found


def end(engine: Engine, container: Container, *, gently: bool) -> bool:
    """End a container's first process, and tell whether it was still there and to be kept running.

    By a descriptor of the process, so that its number may not have gone to another one meanwhile.
    """
    try:
        process = os.pidfd_open(container.pid)
    except ProcessLookupError:
        return False
    try:
        # Asked after the descriptor was opened: now it is this container's, or it will never be signalled.
        now = engine.container(container.id)
        if now is None or not now.is_kept or now.pid != container.pid:
            return False
        if gently:
            signal.pidfd_send_signal(process, signal.SIGTERM)
            select.select([process], [], [], GRACE_SECONDS)
        signal.pidfd_send_signal(process, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        os.close(process)
    return True
