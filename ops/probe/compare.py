"""Asks both servers the same questions, many at a time, and finds what differs."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace

from .line import Endpoint
from .observation import Observation, differing
from .probes import Probe, observe

_WORKERS = 40
_REPEATS = 12
_PATIENT_SECONDS = 1.2
_PATIENT_WORKERS = 32


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A probe to which the two servers answer otherwise, each time."""

    probe: Probe
    fields: tuple[str, ...]
    ours: Observation
    plain: Observation


def compare(probes: Iterable[Probe], ours: Endpoint, plain: Endpoint, tick: Callable[[], None]) -> list[Difference]:
    """Return the differences, in the probes' order.

    Probes that wait for a server's timeout run beside all others. One that differs is asked twelve times more,
    with more patience, and counts when no answer of ours was ever a plain one: a lost race of two packets is
    then no difference, and one that is won every time is.
    """
    ordered = list(probes)
    slow = [probe for probe in ordered if probe.is_slow]
    pools = [ThreadPoolExecutor(size) for size in (_WORKERS, 2 * len(slow) or 1, _PATIENT_WORKERS)]
    try:
        found = _all(ordered, ours, plain, tick, *pools)
    except BaseException:
        ours.stop.set()
        plain.stop.set()
        raise
    finally:
        for pool in pools:
            pool.shutdown(cancel_futures=True)
    place = {probe.name: index for index, probe in enumerate(ordered)}
    return sorted(found, key=lambda difference: place[difference.probe.name])


def _all(
    probes: list[Probe], ours: Endpoint, plain: Endpoint, tick: Callable[[], None],
    quick_pool: Executor, slow_pool: Executor, patient_pool: Executor,
) -> list[Difference]:
    asked: dict[Future[Observation], tuple[Probe, Future[Observation]]] = {}
    # The slow ones first: all others are asked while these wait.
    for probe in sorted(probes, key=lambda probe: not probe.is_slow):
        pool = slow_pool if probe.is_slow else quick_pool
        asked[pool.submit(observe, probe, ours)] = probe, pool.submit(observe, probe, plain)
    repeated: list[Future[Difference | None]] = []
    for done in as_completed(asked):
        probe, other = asked[done]
        tick()
        if differing(done.result(), other.result()):
            pool = slow_pool if probe.is_slow else patient_pool
            repeated.append(pool.submit(_again, probe, done.result(), other.result(), ours, plain))
    return [difference for future in repeated if (difference := future.result())]


def _again(probe: Probe, first: Observation, second: Observation, ours: Endpoint, plain: Endpoint) -> Difference | None:
    seen, expected = [first], [second]
    # A slow probe's differences are of tens of seconds; once more is enough.
    for _ in range(1 if probe.is_slow else _REPEATS):
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(observe, probe, replace(plain, quiet_seconds=_PATIENT_SECONDS))
            seen.append(observe(probe, replace(ours, quiet_seconds=_PATIENT_SECONDS)))
            expected.append(other.result())
        if any(not differing(one, other) for one in seen for other in expected):
            return None
    return Difference(probe=probe, fields=differing(seen[-1], expected[-1]), ours=seen[-1], plain=expected[-1])
