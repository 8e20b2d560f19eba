"""Times a deploy, and a deploy with nothing to do, side by side with Docker Compose of the same six containers.

Run by `make bench-deploy`. Both sides take turns in one run, because the speed of a machine drifts; the verdicts
compare medians. Images are built before, and only the rest is timed.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import compose
from tests.e2e.deployment import SERVICES, STACK, Server, clean, docker, refuse_beside_another_server

RUNS = 5
DEPLOY_RUNS = 3
MOST_OF_DEPLOY, MOST_OF_NO_CHANGE = 1.5, 2.0
_COPY = "bench-copy"


def seconds(step: Callable[[], object]) -> float:
    """Return how long one call takes."""
    began = time.monotonic()
    step()
    return time.monotonic() - began


class Sides:
    """The two ways to start the same containers."""

    def __init__(self, folder: Path) -> None:
        self._server = Server(folder)
        self._file = folder / "compose.json"

    def learn(self) -> None:
        """Deploy once, read the Compose file off it and keep the rendered files for Compose."""
        self._server.up()
        copies = {f"stealth-{service}-rendered": f"{_COPY}-{service}" for service in SERVICES}
        for source, copy in copies.items():
            docker("volume", "create", "--label", f"org.stealth-vpn.stack={STACK}", copy)
            docker("run", "--rm", "--user", "0:0", "--volume", f"{source}:/from:ro", "--volume", f"{copy}:/to",
                   "--entrypoint", "/bin/cp", "stealth-vpn/wireguard:local", "-a", "/from/.", "/to/")
        self._file.write_text(json.dumps(compose.project(copies)))

    def pulumi(self, *words: str) -> None:
        """Run `pulumi up` as an operator would, preview included."""
        done = self._server.pulumi("up", "--yes", "--refresh", *words)
        assert done.returncode == 0, done.stdout

    def ops(self) -> None:
        """Run `make up` without the setup: checks, preview, update, health, summary."""
        self._server.up()

    def ops_down(self) -> None:
        """Take our containers away."""
        done = self._server.ops("down")
        assert done.returncode == 0, done.stdout

    def compose(self, *words: str) -> None:
        """Run Compose on the same containers."""
        docker("compose", "--file", str(self._file), *words)


def deploy(sides: Sides) -> tuple[list[float], list[float]]:
    """From no containers to all healthy, in turns."""
    ours, theirs = [], []
    for _ in range(DEPLOY_RUNS):
        sides.ops_down()
        theirs.append(seconds(lambda: sides.compose("up", "--detach", "--wait")))
        sides.compose("down")
        ours.append(seconds(sides.pulumi))
    return ours, theirs


def no_change(sides: Sides) -> tuple[list[float], list[float], list[float]]:
    """With nothing to do: Pulumi and our command on our containers, then Compose on its own."""
    ours = [seconds(lambda: sides.pulumi("--expect-no-changes")) for _ in range(RUNS)]
    whole = [seconds(sides.ops) for _ in range(RUNS)]
    sides.ops_down()
    sides.compose("up", "--detach", "--wait")
    theirs = [seconds(lambda: sides.compose("up", "--detach", "--wait")) for _ in range(RUNS)]
    sides.compose("down")
    return ours, whole, theirs


def verdict(what: str, ours: list[float], theirs: list[float], most: float) -> bool:
    """Print one row and tell whether it holds."""
    ratio = statistics.median(ours) / statistics.median(theirs)
    good = ratio <= most
    print(f"{what:28} ours {spread(ours)}   compose {spread(theirs)}   "
          f"ratio {ratio:.2f} (at most {most}) {'good' if good else 'TOO SLOW'}", flush=True)
    return good


def spread(values: list[float]) -> str:
    """Return median, least and greatest of some seconds, for people."""
    return f"{statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})"


def main() -> int:
    """Run both comparisons; the exit code is 1 when a ratio is above its bound."""
    refuse_beside_another_server()
    clean()
    folder = Path(tempfile.mkdtemp(prefix="stealth-bench-"))
    try:
        sides = Sides(folder)
        print("Building and deploying once ...", flush=True)
        sides.learn()
        good = verdict("from nothing to healthy", *deploy(sides), MOST_OF_DEPLOY)
        ours, whole, theirs = no_change(sides)
        good &= verdict("nothing to do, pulumi up", ours, theirs, MOST_OF_NO_CHANGE)
        print(f"{'nothing to do, make up':28} ours {spread(whole)}   with checks, health and summary; no bound")
        return 0 if good else 1
    finally:
        docker("compose", "--project-name", compose.PROJECT, "down", check=False)
        clean()
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
