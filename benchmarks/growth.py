"""Measures what each further host of a fleet costs a preview and an update with nothing to do.

    .venv/bin/python -m benchmarks.growth [--hosts N]... [--runs N]

Program, Pulumi, the installed providers and the policies are the real ones; engines are played (mock_engine.py), at
sockets of this machine, so that what ssh and a real engine take is not in it. docs/performance.md has the table.
"""

import argparse
import base64
import functools
import os
import resource
import shutil
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import mock_engine
from benchmarks.deploy import seconds
from tests.e2e.deployment import STACK, Server

HOSTS = (1, 3, 10, 30, 100)
MOST_SECONDS_EACH = 0.5
_HOST_KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(32)).decode()
_PREVIEW = ("preview", "--expect-no-changes")
_UP = ("up", "--yes", "--expect-no-changes")
_POLICIES = ("--policy-pack", "policy")


def configure(server: Server, addresses: list[str]) -> None:
    """Write the stack's file for so many hosts, of which the first has the panel."""
    further = [{"name": f"h{number}", "dockerHost": address, "domain": f"h{number}.stealth.test", "hostKey": _HOST_KEY,
                "sshAddress": f"h{number}.stealth.test:22"} for number, address in enumerate(addresses[1:], 2)]
    values: dict[str, object] = {"dockerHost": addresses[0], "resourceProfile": "standard", "hosts": further}
    server.configure(**values)


def call(server: Server, *words: str) -> None:
    """Run Pulumi, which asks the engines too."""
    done = server.pulumi(*words, "--refresh")
    assert done.returncode == 0, done.stdout


def processor_seconds(run: Callable[[], None]) -> float:
    """Return the processor time that all processes of a run have taken; a busy machine changes it little."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was found with so many hosts, in seconds; medians but for the first update."""

    hosts: int
    first: float
    plain: float
    """A preview without the policies."""

    preview: float
    """With them: all that `make up` does where nothing is to be done."""

    update: float
    """Pulumi's own update, which makes a preview of its own first."""

    processor: float
    """Of one preview with the policies, all its processes together."""

    def row(self, base: "Measured | None") -> str:
        """As a line of the table; behind each column, what each host more than those of the base has cost."""
        columns = [f"{self.hosts}", f"{self.first:.1f}"]
        for name in ("plain", "preview", "update", "processor"):
            columns += [f"{getattr(self, name):.1f}", self._each(base, name) if base else ""]
        return f"| {' | '.join(columns)} |"

    def _each(self, base: "Measured", name: str) -> str:
        slope: float = (getattr(self, name) - getattr(base, name)) / (self.hosts - base.hosts)
        is_promised = name in {"plain", "preview"}
        return f"{slope:.2f}{' TOO SLOW' if is_promised and slope >= MOST_SECONDS_EACH else ''}"


def measure(count: int, runs: int) -> Measured:
    """Return what is found with so many hosts, in a state and at engines of their own."""
    folder = Path(tempfile.mkdtemp(prefix="stealth-bench-"))
    try:
        with mock_engine.engines(folder, count) as addresses:
            (folder / "checkout").mkdir()
            server = Server(folder / "checkout")
            configure(server, addresses)
            assert server.run("python", "-c", _PREPARE).returncode == 0
            made = server.pulumi("config", "set", "--secret", "databaseUrl",
                                 "postgresql+psycopg://panel:of-a-test@db.stealth.test/panel")
            assert made.returncode == 0, made.stdout

            def usual(*words: str) -> float:
                return statistics.median(seconds(functools.partial(call, server, *words)) for _ in range(runs))

            return Measured(
                hosts=count, first=seconds(functools.partial(call, server, "up", "--yes", *_POLICIES)),
                plain=usual(*_PREVIEW), preview=usual(*_PREVIEW, *_POLICIES), update=usual(*_UP, *_POLICIES),
                processor=processor_seconds(functools.partial(call, server, *_PREVIEW, *_POLICIES)))
    finally:
        shutil.rmtree(folder)


_PREPARE = f"from ops.stack import Stack; Stack({STACK!r}, print).prepare()"


def main() -> None:
    """Print the table as it comes, and what each host more costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, action="append")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as tools:
        builder = Path(tools) / "docker"
        builder.write_text(mock_engine.BUILDER)
        builder.chmod(0o755)
        os.environ["PATH"] = f"{tools}:{os.environ['PATH']}"
        print(f"load of the machine {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores before\n"
              "| hosts | first up, s | preview without policies, s | each more | preview, s | each more | "
              "update with its preview, s | each more | processor, s | each more |\n"
              "|---|---|---|---|---|---|---|---|---|---|", flush=True)
        base: Measured | None = None
        for count in asked.hosts or HOSTS:
            found = measure(count, asked.runs)
            print(found.row(base), flush=True)
            base = base or found


if __name__ == "__main__":
    main()
