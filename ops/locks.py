"""Locks of Pulumi's own backends: one for each run that works on a stack, with its process and machine.

A backend in a folder keeps them as files. Elsewhere, such as in an S3 bucket, Pulumi itself says who holds them when
it is refused: nobody else has what opens the bucket.
"""

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

_LOCK_SECONDS = 120
_POLL_SECONDS = 0.2
# Where each look at a lock is a run of Pulumi's, and goes over a network.
_FAR_POLL_SECONDS = 2.0
# `<place>: created by <user>@<machine> (pid <number>) at <time>` (checkForLock in pkg/backend/diy/lock.go, 3.259.0).
_TOLD = re.compile(r"^ *(?P<place>\S+): created by (?P<user>\S*)@(?P<machine>\S+) \(pid (?P<pid>\d+)\) at (?P<at>\S+)$",
                   re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The lock of one run."""

    place: str
    """File or address."""

    machine: str
    """Host name of the machine that holds it; empty when it cannot be read."""

    pid: int
    made_at: float
    """When, in seconds since 1970; of two readings of one moment the later."""

    user: str = ""

    @property
    def is_here(self) -> bool:
        """Whether a process of this machine holds it, or held it."""
        return self.machine == socket.gethostname()

    @property
    def is_dead(self) -> bool:
        """Whether the process that holds it has ended; of another machine's that is not known."""
        if not self.is_here:
            return False
        try:
            process = psutil.Process(self.pid)
            # Its parent may never ask for its end, and its number may have gone to another process since.
            return process.status() == psutil.STATUS_ZOMBIE or process.create_time() > self.made_at
        except psutil.NoSuchProcess:
            return True

    @property
    def holder(self) -> str:
        """Who holds it, for people."""
        if self.is_here:
            return f"process {self.pid}"
        at = datetime.fromtimestamp(self.made_at, UTC)
        return f"process {self.pid} of {self.user}@{self.machine} since {at:%Y-%m-%d %H:%M} UTC"


class Locking:
    """What becomes of a stack's locks before a run begins."""

    def __init__(self, stack: str, look: Callable[[], list[Lock]], show: Callable[[str], None], *,
                 cancel: Callable[[], object], is_far: bool) -> None:
        """`look` finds the locks; where the state is far, `cancel` takes away all of them at once."""
        self._stack, self._look, self._show, self._cancel, self._is_far = stack, look, show, cancel, is_far

    def free(self) -> None:
        """Take away the locks of dead runs, and wait for the end of a living one that may be ending."""
        end, told = time.monotonic() + _LOCK_SECONDS, False
        while holders := list(self._living()):
            if time.monotonic() > end:
                # Pulumi itself says whose it is, and what to do.
                return
            if not told:
                self._show(f"Another run is at work on {self._stack} ({holders[0].holder}), or a killed one ends its "
                           "last step. Waiting for it ...")
                told = True
            time.sleep(_FAR_POLL_SECONDS if self._is_far else _POLL_SECONDS)

    def break_dead(self) -> None:
        """Take away the locks of runs that were ended by force."""
        self._break(self._look())

    def _living(self) -> Iterator[Lock]:
        """Yield the locks that are worth waiting for; those of dead processes go.

        Of a folder only this machine's: who shares a folder is not asked how, and its numbers may be another's.
        """
        found = self._look()
        yield from (lock for lock in found if not lock.is_dead and (lock.is_here or self._is_far))
        self._break(found)

    def _break(self, found: list[Lock]) -> None:
        dead = [lock for lock in found if lock.is_dead]
        if not dead or (self._is_far and dead != found):
            # Far away all locks go at once, and one of them may be in use.
            return
        self._show("A former run was ended by force; its lock is taken away.")
        if self._is_far:
            self._cancel()
            return
        for lock in dead:
            Path(lock.place).unlink(missing_ok=True)


def sentence(stack: str, holders: list[Lock]) -> str:
    """Return why a run cannot begin, and what to do."""
    return (f"stack {stack} is locked by {holders[0].holder}. Wait for the end of that run, and try again; if it was "
            f"killed, `toolchain/run.sh pulumi cancel --yes --stack {stack}` takes its lock away.")


def of(folder: Path, stack: str) -> list[Lock]:
    """Return the locks of a stack in the backend's folder."""
    return list(_read(sorted((folder / "locks").rglob(f"{stack}/*.json"))))


def told(said: str) -> list[Lock]:
    """Return the locks that Pulumi names in a refusal; none where it says nothing of locks."""
    # Its times are cut to whole seconds, so a process may look as if it had begun after its own lock.
    return [Lock(place=found["place"], machine=found["machine"], pid=int(found["pid"]), user=found["user"],
                 made_at=datetime.fromisoformat(found["at"]).timestamp() + 1) for found in _TOLD.finditer(said)]


def _read(files: list[Path]) -> Iterator[Lock]:
    for file in files:
        try:
            text, made_at = file.read_text(), file.stat().st_mtime
        except FileNotFoundError:
            # Its run ended in order just now.
            continue
        except OSError:
            text, made_at = "", 0.0
        machine, pid, user = _parsed(text)
        yield Lock(place=str(file), machine=machine, pid=pid, user=user, made_at=made_at)


def _parsed(text: str) -> tuple[str, int, str]:
    try:
        held = json.loads(text)
        return str(held.get("hostname", "")), int(held.get("pid", 0)), str(held.get("username", ""))
    except (ValueError, AttributeError):
        return "", 0, ""
