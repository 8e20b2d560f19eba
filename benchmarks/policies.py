"""Times an update with nothing to do, with the policy pack and without it, on the deployed local stack.

Run by `make bench-policies`. Both take turns in one run, because the speed of a machine drifts, and each turn begins
with the other one; the verdict compares medians. The operator's own commands have no way to leave the pack out, so
both sides run Pulumi itself, preview included, as `make up` does.
"""

import functools
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import psutil

from benchmarks.deploy import seconds, spread
from tests.e2e.deployment import Server, clean, refuse_beside_another_server

TURNS = 9
MOST_SECONDS = 0.8
PACK = ("--policy-pack", "policy")


def no_change(server: Server, *words: str) -> None:
    """Run `pulumi up` with nothing to do, as an operator would."""
    done = server.pulumi("up", "--yes", "--refresh", "--expect-no-changes", *words)
    assert done.returncode == 0, done.stdout
    assert ("Policies:" in done.stdout) == bool(words), f"the pack did not run as this side says: {done.stdout}"


def measure(server: Server) -> tuple[list[float], list[float]]:
    """Return the times with the pack and without it."""
    with_pack: list[float] = []
    without: list[float] = []
    for turn in range(TURNS):
        sides = [(with_pack, PACK), (without, ())]
        for times, words in sides if turn % 2 else reversed(sides):
            times.append(seconds(functools.partial(no_change, server, *words)))
    return with_pack, without


def verdict(with_pack: list[float], without: list[float]) -> str:
    """Print what was measured; return good, TOO SLOW, or that the times differ too much to tell."""
    cost = statistics.median(with_pack) - statistics.median(without)
    for what, times in (("with the policies", with_pack), ("without", without)):
        print(f"{what:20} {spread(times)}", flush=True)
    said = "good" if cost <= MOST_SECONDS else "TOO SLOW"
    if max(map(middle_half_seconds, (with_pack, without))) > MOST_SECONDS:
        said = "NO VERDICT: the machine is too busy with other things; run it again when it is quiet"
    print(f"{'they cost':20} {cost:.2f} s (at most {MOST_SECONDS}) {said}", flush=True)
    return said


def middle_half_seconds(times: list[float]) -> float:
    """Return how far the middle half of the times reaches."""
    first, _, third = statistics.quantiles(times)
    return third - first


def main() -> int:
    """Deploy, measure, and take the server away; the exit code is 0 only when the pack costs no more than it may."""
    refuse_beside_another_server()
    clean()
    folder = Path(tempfile.mkdtemp(prefix="stealth-bench-"))
    try:
        server = Server(folder)
        print("Building and deploying once ...", flush=True)
        server.up()
        times = measure(server)
        print(f"{TURNS} turns; load of the machine {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")
        return 0 if verdict(*times) == "good" else 1
    finally:
        clean()
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
