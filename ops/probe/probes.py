"""What a probe is, and the plainest kind: bytes sent in steps."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from . import answers, records
from .line import Endpoint, Line
from .observation import Observation, time_class

NAMES = ("www", "cdn", "img", "app", "q", "t")
"""Labels of the server's host names."""

ROUTED = NAMES[:4]
"""Those with ways of their own through the server: its own site, REALITY, ShadowTLS, Trojan."""

Step = bytes | float | None
"""Bytes to send, seconds to pause, or None to send FIN."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One question to a server."""

    name: str
    look: Callable[[Endpoint], Observation]
    is_slow: bool = False
    """Whether it waits for the server's own timeouts."""

    label: str = ""
    """Host name that it is about, for the table of documented differences."""


def observe(probe: Probe, endpoint: Endpoint) -> Observation:
    """Ask one server; an unreachable one is an observation too."""
    try:
        return probe.look(endpoint)
    except OSError as error:
        return Observation(connection=type(error).__name__)


def talk(*steps: Step, plain: bool = False, patience_seconds: float | None = None) -> Callable[[Endpoint], Observation]:
    """Make a look that sends the steps on 443, or 80 where `plain`, and takes what comes.

    With `patience_seconds` it waits that long for the server's own end.
    """
    def look(endpoint: Endpoint) -> Observation:
        with Line(endpoint, endpoint.plain_port if plain else endpoint.port) as line:
            for step in steps:
                _take(line, step)
            line.drain(patience_seconds)
            seconds = line.seconds if line.end != "open" else patience_seconds or 0
            return _seen(line, line.close_down(), time_class(seconds))
    return look


def _take(line: Line, step: Step) -> None:
    if step is None:
        line.finish()
    elif isinstance(step, bytes):
        line.send(step)
    else:
        time.sleep(step)


def _seen(line: Line, end: str, after: str) -> Observation:
    found, rest = records.split(line.received)
    return Observation(
        connection="accepted", records=records.pattern(found), alert=records.alert(found),
        hello=records.server_hello(found), certificates=records.certificates(found),
        answer=answers.http1(rest), end=end, after=after)
