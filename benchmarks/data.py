"""Measures how fast each protocol carries bytes through port 443, and what that costs the server.

Run by `make bench-data`. Each protocol's real client downloads from and uploads to an origin that serves gigabytes
per second: through Caddy and the UDP front, straight into the same daemon, and through a plain HTTPS reverse proxy.
All sides take turns in one run, because the speed of a machine drifts; a ratio is the median of those of the turns.
See docs/performance.md for what the numbers mean.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.doors import NETWORK, PLAIN, PROTOCOLS, Door, twins
from benchmarks.usage import cpu_seconds, working_set_mib
from tests.e2e.client import Client, build_image, client, origin_of_bytes
from tests.e2e.deployment import SERVICES, Server, clean, refuse_beside_another_server
from tests.e2e.outside import outside
from tests.e2e.programs import Program, program

MOST_MEMORY_MIB = 300
_AT_MOST = "4s"
"""Time after which a slow protocol's transfer is cut, and measured as far as it came."""

_SETTLE_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One transfer each way through one door."""

    download: float
    """MB/s."""

    upload: float
    cpu_per_gb: float
    """Seconds of the server's processors for 1 GB of download."""


class Bench:
    """The clients of one server, and the origin that they take bytes from."""

    def __init__(self, server: Server, origin: str, megabytes: int) -> None:
        self._links = server.links()
        self._authority: str = server.outputs()["authorityCertificate"]
        self._origin = origin
        self._bytes = megabytes * 1_000_000

    def through(self, protocol: str, door: Door) -> Sample:
        """Carry bytes by a protocol's real client."""
        link = self._links[protocol].replace(":443", f":{door.port}")
        with client("bench", program(protocol, link), self._authority, network=NETWORK, server=door.address) as made:
            return self._sample(made, door, self._origin)

    def plain(self) -> Sample:
        """Carry the same bytes by HTTPS through a plain reverse proxy."""
        host = "www.stealth.test"
        nothing = Program(script="exec sleep infinity", hosts=(host,), socks=False)
        with client("bench", nothing, self._authority, network=NETWORK, server=PLAIN.address) as made:
            url = f"https://{host}:{PLAIN.port}{urlsplit(self._origin).path}"
            return self._sample(made, PLAIN, url, "-ca", "/client/ca.crt")

    def _sample(self, made: Client, door: Door, url: str, *words: str) -> Sample:
        ready = made.fetch_when_ready(f"{url}/1000", "--cacert", "/client/ca.crt")
        assert ready.returncode == 0, f"{ready.stderr.decode()}\n{made.logs()}"
        words = (*words, "-at-most", _AT_MOST)
        before = cpu_seconds(door.containers)
        down = made.transfer(f"{url}/{self._bytes}", *words)
        used = cpu_seconds(door.containers) - before
        up = made.transfer(url, "-upload", str(self._bytes), *words)
        return Sample(download=down.bytes / down.seconds / 1e6, upload=up.bytes / up.seconds / 1e6,
                      cpu_per_gb=used / down.bytes * 1e9)


Turns = dict[str, list[Sample]]
"""Samples in the order of the turns, by `<protocol> through`, `<protocol> direct` and `plain`."""


def measure(bench: Bench, protocols: list[str], runs: int) -> Turns:
    """Let all sides take turns; which of a pair is first changes each time."""
    turns: Turns = defaultdict(list)
    for number in range(runs):
        turns["plain"].append(bench.plain())
        for name in protocols:
            sides = {"through": PROTOCOLS[name].through, "direct": PROTOCOLS[name].direct}
            for side in sorted(sides, reverse=bool(number % 2)):
                turns[f"{name} {side}"].append(bench.through(name, sides[side]))
        print(f"Turn {number + 1} of {runs} is done.", flush=True)
    return turns


def _median(samples: list[Sample], field: str) -> float:
    return statistics.median(float(getattr(sample, field)) for sample in samples)


def _ratios(samples: list[Sample], others: list[Sample], field: str) -> list[float]:
    return [getattr(one, field) / getattr(other, field) for one, other in zip(samples, others, strict=True)]


_HEADER = f"""
Median MB/s of each side; a ratio is the median of those of the turns, with the least and the greatest of them.
CPU: seconds of the server for 1 GB of download.
{'':18} | {'download':^48} | {'upload':^20} | {'CPU s/GB':^14}
{'':18} | 443    direct  ratio              goal  of HTTPS  | 443    direct  ratio | 443    direct"""


def row(name: str, turns: Turns) -> bool:
    """Print a protocol's numbers and tell whether its download is as fast as it must be."""
    ours, direct, goal = turns[f"{name} through"], turns[f"{name} direct"], PROTOCOLS[name].goal
    down, up = _ratios(ours, direct, "download"), _ratios(ours, direct, "upload")
    of_https = statistics.median(_ratios(ours, turns["plain"], "download"))
    good = statistics.median(down) >= goal
    print(f"{name:18} | {_median(ours, 'download'):<6.0f} {_median(direct, 'download'):<6.0f}  "
          f"{statistics.median(down):.2f} ({min(down):.2f} to {max(down):.2f}) {goal:<5} {of_https:<9.2f} | "
          f"{_median(ours, 'upload'):<6.0f} {_median(direct, 'upload'):<6.0f}  {statistics.median(up):<5.2f} | "
          f"{_median(ours, 'cpu_per_gb'):<6.2f} {_median(direct, 'cpu_per_gb'):<6.2f} {'good' if good else 'TOO SLOW'}")
    return good


def table(protocols: list[str], turns: Turns) -> bool:
    """Print all numbers and tell whether every goal is met."""
    print(_HEADER)
    good = [row(name, turns) for name in protocols]
    plain = turns["plain"]
    print(f"{'HTTPS by Caddy':18} | {_median(plain, 'download'):<48.0f} | {_median(plain, 'upload'):<20.0f} | "
          f"{_median(plain, 'cpu_per_gb'):.2f}\n")
    for name in protocols:
        print(f"direct, {name}: {PROTOCOLS[name].baseline}")
    print("Client, server and origin share this machine's cores, so a busy client lowers MB/s; CPU s/GB carries over.")
    return all(good)


def memory() -> bool:
    """Print what the idle stack holds and tell whether that is little enough."""
    time.sleep(_SETTLE_SECONDS)
    used = {service: working_set_mib(f"stealth-{service}") for service in SERVICES}
    total = sum(used.values())
    good = total <= MOST_MEMORY_MIB
    print(f"Idle memory, MiB: {', '.join(f'{name} {mib:.0f}' for name, mib in used.items())}; together {total:.0f} "
          f"(at most {MOST_MEMORY_MIB}) {'good' if good else 'TOO MUCH'}", flush=True)
    return good


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how fast each protocol carries bytes.")
    parser.add_argument("--protocol", action="append", choices=PROTOCOLS, help="only this one; may be repeated")
    parser.add_argument("--runs", type=int, default=5, help="turns of every side")
    parser.add_argument("--megabytes", type=int, default=400, help="most that one transfer carries")
    return parser.parse_args()


def main() -> int:
    """Run everything; the exit code is 1 when a goal is missed."""
    chosen = _parse()
    refuse_beside_another_server()
    clean()
    folder = Path(tempfile.mkdtemp(prefix="stealth-bench-"))
    try:
        server = Server(folder / "checkout")
        print("Building and deploying ...", flush=True)
        server.up()
        build_image()
        good = memory()
        with outside(), origin_of_bytes() as origin, \
                twins(folder / "twins", urlsplit(origin).port or 80, server.links()):
            protocols = chosen.protocol or list(PROTOCOLS)
            turns = measure(Bench(server, origin, chosen.megabytes), protocols, chosen.runs)
        return 0 if table(protocols, turns) and good else 1
    finally:
        clean()
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
