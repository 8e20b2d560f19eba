"""`ops logs`: what the services have said, with times, merged if it is several; also as it comes."""

import heapq
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from ..docker import Engine
from .services import Service
from .words import printable


@dataclass(frozen=True, kw_only=True, order=True)
class Line:
    """One line of one service."""

    at: str
    """When the engine took it, in UTC; text of equal form, so that it sorts."""

    service: str
    text: str

    def shown(self, width: int) -> str:
        """Return the line for people; a width of 0 leaves the service out."""
        name = f"{self.service:<{width}} | " if width else ""
        return f"{self.at[:19]}Z {name}{printable(self.text)}"


def past(engine: Engine, services: list[Service], words: list[str]) -> Iterator[Line]:
    """Yield what was said, in the order of time."""
    return heapq.merge(*(_lines(engine, service, words) for service in services))


def coming(engine: Engine, services: list[Service], words: list[str]) -> Iterator[Line]:
    """Yield what was said and what is being said, until every service has ended or the caller stops."""
    found: queue.Queue[Line | None] = queue.Queue()
    processes = [engine.start("logs", "--timestamps", "--follow", *words, service.container) for service in services]
    for process, service in zip(processes, services, strict=True):
        assert process.stdout is not None  # noqa: S101 - start() opens it
        threading.Thread(target=_pass_on, args=(process.stdout, service.name, found), daemon=True).start()
    try:
        left = len(processes)
        while left:
            line = found.get()
            if line is None:
                left -= 1
            else:
                yield line
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _pass_on(stream: TextIO, service: str, found: "queue.Queue[Line | None]") -> None:
    for raw in stream:
        found.put(_line(service, raw))
    found.put(None)


def _lines(engine: Engine, service: Service, words: list[str]) -> list[Line]:
    done = engine.ask("logs", "--timestamps", *words, service.container)
    # The engine keeps two streams; a service may use either.
    return sorted((_line(service.name, raw) for raw in (done.stdout + done.stderr).splitlines()),
                  key=lambda line: line.at)


def _line(service: str, raw: str) -> Line:
    at, _, text = raw.rstrip("\n").partition(" ")
    return Line(at=at, service=service, text=text)
