"""How long what operators wait for takes."""

import time
from collections.abc import Callable


def p95(ask: Callable[[int], object], rounds: int) -> float:
    """Return the time, in seconds, within which 95 of 100 calls end.

    Each call gets its number, from 1.
    """
    times = []
    for number in range(1, rounds + 1):
        began = time.perf_counter()
        ask(number)
        times.append(time.perf_counter() - began)
    return sorted(times)[-1 - rounds // 20]
