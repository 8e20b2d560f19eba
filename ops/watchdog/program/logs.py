"""Writes what the containers say into files on the host, as the engine gives it out: nothing is mounted into them."""

import contextlib
import select
import socket
import time

from .engine import Container, Engine, frames
from .files import DAY_SECONDS, LogFile, Rules

LIST_SECONDS = 5.0
"""Between two looks for containers that are new."""


class Follower:
    """The log of one container as it comes, from where the file ends."""

    def __init__(self, connection: socket.socket, file: LogFile) -> None:
        self.connection, self.file = connection, file
        self._rest, self._head_is_read = b"", False
        self._last = file.last.encode()

    def read(self, now: float) -> bool:
        """Write what has come, and tell whether more may come; raises OSError, and ValueError for a refusal."""
        data = self.connection.recv(1 << 16)
        self._rest += data
        if not self._head_is_read:
            head, found, rest = self._rest.partition(b"\r\n\r\n")
            if not found:
                return bool(data)
            if head.split(b" ", 2)[1:2] != [b"200"]:
                raise ValueError(f"the engine answers {head[:80]!r}")
            self._rest, self._head_is_read = rest, True
        lines, self._rest = frames(self._rest)
        for line in lines:
            self._take(line, now)
        return bool(data)

    def _take(self, line: bytes, now: float) -> None:
        # The engine gives out again what was said at the very time that it is asked from, and the file has that.
        if self._last and line[:len(self._last)] <= self._last:
            return
        self._last = b""
        self.file.write(line if line.endswith(b"\n") else line + b"\n", now)


class Collector:
    """Follows all containers of a stack, for as long as the program runs."""

    def __init__(self, engine: Engine, rules: Rules) -> None:
        self._engine, self._rules = engine, rules
        self._followers: dict[str, Follower] = {}
        self.fault = ""
        """Why it cannot write now; empty if it can."""

    def run(self) -> None:
        """Follow for ever."""
        while True:
            self.turn(LIST_SECONDS)

    def turn(self, seconds: float) -> None:
        """Look for new containers, then write what comes within a time; what fails is begun anew by the next turn.

        Nothing is lost by that as long as the engine keeps it: each file says itself where it ends.
        """
        try:
            for container in self._engine.containers():
                if container.id not in self._followers:
                    self._follow(container)
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                self._read(left)
            for follower in self._followers.values():
                follower.file.tidy(time.time())
            self.fault = ""
        except (OSError, ValueError, KeyError) as error:
            self.fault = f"no logs are written to {self._rules.folder}: {error}"
            for name in list(self._followers):
                self._drop(name)
            time.sleep(seconds)

    def _follow(self, container: Container) -> None:
        file = LogFile(self._rules, container.service)
        # What is too old to be kept is not fetched either.
        oldest = time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(time.time() - self._rules.days * DAY_SECONDS))
        self._followers[container.id] = Follower(self._engine.follow(container.id, file.last or oldest), file)

    def _read(self, seconds: float) -> None:
        by_connection = {follower.connection: name for name, follower in self._followers.items()}
        for connection in select.select(list(by_connection), [], [], seconds)[0]:
            name = by_connection[connection]
            if not self._followers[name].read(time.time()):
                self._drop(name)

    def _drop(self, name: str) -> None:
        follower = self._followers.pop(name)
        with contextlib.suppress(OSError):
            follower.connection.close()
            follower.file.close()
