"""Latencies of both servers, measured in turn, and a rank test that says whether they can be told apart.

Mann and Whitney's test (Annals of Mathematical Statistics 18, 1947) with its normal approximation; as effect size
Cliff's delta (Psychological Bulletin 114, 1993): how much oftener one is slower than the other, from -1 to 1.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from .hellos import hello
from .line import Endpoint, Line
from .probes import NAMES
from .session import Session, context

_REPEATS = 60
_LEAST_DELTA = 0.474
"""What Romano et al. (2006) call a large effect."""

_LEAST_PROBABILITY = 0.001
_WAIT_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One latency of one name, at both servers."""

    label: str
    measure: str
    ours_seconds: float
    """Median."""

    plain_seconds: float
    delta: float
    probability: float
    """Of such ranks if there were no difference."""

    @property
    def tells_apart(self) -> bool:
        """Whether the difference is both certain and large."""
        return self.probability < _LEAST_PROBABILITY and abs(self.delta) >= _LEAST_DELTA

    def line(self) -> str:
        """Return it as a line of the report."""
        return (f"  {self.label:4} {self.measure:12} ours {1000 * self.ours_seconds:7.2f} ms, plain "
                f"{1000 * self.plain_seconds:7.2f} ms, delta {self.delta:+.2f}, p {self.probability:.4f}"
                f"{'  TELLS APART' if self.tells_apart else ''}")


def ranked(ours: Sequence[float], plain: Sequence[float]) -> tuple[float, float]:
    """Return Cliff's delta and the two-sided probability of Mann and Whitney's U."""
    above = sum((one > other) - (one < other) for one in ours for other in plain)
    pairs = len(ours) * len(plain)
    # U's deviation from its mean is half of `above`.
    spread = (pairs * (len(ours) + len(plain) + 1) / 12) ** 0.5
    return above / pairs, 2 * (1 - statistics.NormalDist().cdf(abs(above) / 2 / spread))


def measure(random: Random, ours: Endpoint, plain: Endpoint) -> list[Timing]:
    """Measure every name, the two servers in turn."""
    found = []
    for label in NAMES:
        samples = [(_latencies(random, label, ours), _latencies(random, label, plain)) for _ in range(_REPEATS)]
        for index, title in enumerate(("connect", "ServerHello", "first byte")):
            one, other = ([pair[side][index] for pair in samples] for side in (0, 1))
            delta, probability = ranked(one, other)
            found.append(Timing(label=label, measure=title, ours_seconds=statistics.median(one),
                                plain_seconds=statistics.median(other), delta=delta, probability=probability))
    return found


def _latencies(random: Random, label: str, endpoint: Endpoint) -> tuple[float, float, float]:
    """Return seconds to connect, from hello to ServerHello, and from a request to its first byte."""
    name = endpoint.name(label)
    began = time.perf_counter()
    with Line(endpoint) as line:
        connected = time.perf_counter() - began
        began = time.perf_counter()
        line.send(hello(random, name).record())
        line.read(_WAIT_SECONDS)
        answered = time.perf_counter() - began
    with Line(endpoint) as line:
        session = Session(line, context(("http/1.1",)), name)
        session.handshake()
        began = time.perf_counter()
        session.send(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        session.read(_WAIT_SECONDS, enough=bool)
        return connected, answered, time.perf_counter() - began
