"""Ten thousand broken hellos and as many broken datagrams: the server and its clients must not feel them."""

import secrets
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import pytest

from ops.probe.hellos import hello
from ops.probe.quic import first_flight
from tests.e2e.client import Client, client
from tests.e2e.deployment import NAMES, SERVICES, SITE, Server, address, docker, inspect
from tests.e2e.outside import PAGE, Outside
from tests.e2e.programs import program
from tests.e2e.test_traffic import visit

pytestmark = pytest.mark.integration

HELLOS = DATAGRAMS = 10_000
PROTOCOLS = ("vlessReality", "trojan", "hysteria2", "wireguard")
_WORKERS = 16
# A mutated hello that the server waits to be completed is let go of by its sender.
_PATIENCE_SECONDS = 0.05
# A first wave fills pools and caches, which is no leak; what grows with each wave is one.
_MOST_GROWTH = 1.5
_SLACK_BYTES = 24 << 20


def mutated(random: Random, data: bytes) -> bytes:
    """Change, cut or lengthen some bytes."""
    changed = bytearray(data)
    for _ in range(random.randrange(1, 8)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    if random.random() < 0.3:
        del changed[random.randrange(1, len(changed)):]
    return bytes(changed) + (random.randbytes(random.randrange(600)) if random.random() < 0.2 else b"")


def hellos(random: Random, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield mutated(random, hello(random, f"{random.choice(NAMES)}.stealth.test").record())


def datagrams(random: Random, count: int) -> Iterator[bytes]:
    flights = [flight for label in NAMES for flight in first_flight(f"{label}.stealth.test")]
    initiation = b"\1\0\0\0" + bytes(144)
    for turn in range(count):
        yield (random.randbytes(random.randrange(1, 1400)), mutated(random, random.choice(flights)),
               mutated(random, initiation))[turn % 3]


def throw_hello(address: str, data: bytes) -> None:
    with suppress(OSError), socket.create_connection((address, 443), timeout=5) as connection:
        connection.sendall(data)
        connection.settimeout(_PATIENCE_SECONDS)
        connection.recv(4096)


def throw_datagram(address: str, data: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain, suppress(OSError):
        plain.sendto(data, (address, 443))


def flood(address: str, seed: int) -> None:
    """Throw half of everything."""
    random = Random(seed)
    with ThreadPoolExecutor(_WORKERS) as pool:
        for data in hellos(random, HELLOS // 2):
            pool.submit(throw_hello, address, data)
        for data in datagrams(random, DATAGRAMS // 2):
            pool.submit(throw_datagram, address, data)


def resident_bytes() -> dict[str, int]:
    """Return the anonymous memory of each service's container; page cache is the kernel's business."""
    found = {}
    for name in SERVICES:
        pid = inspect(name)["State"]["Pid"]
        group = Path(f"/proc/{pid}/cgroup").read_text().strip().rpartition("::")[2]
        found[name] = memory_of(group)
    return found


def memory_of(group: str) -> int:
    """Return the resident bytes of all processes whose control group ends in this one."""
    pages = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "cgroup").read_text().strip().endswith(group):
                pages += int((folder / "statm").read_text().split()[1]) - int((folder / "statm").read_text().split()[2])
    return pages * 4096


def life(service: str) -> tuple[str, str, int]:
    """What changes when a container is made anew or started again."""
    found = inspect(service)
    return found["Id"], found["State"]["StartedAt"], found["RestartCount"]


def test_a_flood_of_broken_hellos_and_datagrams_harms_nobody(
    deployed: Server, beyond: Outside, tmp_path: Path,
) -> None:
    seed = secrets.randbelow(1 << 32)
    print(f"seed {seed}")
    links, authority = deployed.links(), deployed.outputs()["authorityCertificate"]
    lives = {name: life(name) for name in SERVICES}
    caddy = address("caddy")
    with ExitStack() as running:
        clients = {name: running.enter_context(client(name.lower(), program(name, links[name]), authority))
                   for name in PROTOCOLS}
        for name, made in clients.items():
            assert made.fetch_when_ready(beyond.url).stdout == PAGE, f"{name}: {made.logs()}"
        good = _Traffic(clients, beyond.url, authority, tmp_path)
        with good:
            memory = [resident_bytes()]
            for wave in range(2):
                flood(caddy, seed + wave)
                memory.append(resident_bytes())
    assert good.bad == [], f"seed {seed}"
    assert set(good.done) == {*PROTOCOLS, "site"}, "each kind of traffic must have passed during the flood"
    assert {name: life(name) for name in SERVICES} == lives
    for name in SERVICES:
        assert not [line for line in docker("logs", f"stealth-{name}").splitlines() if "panic" in line.lower()], name
        first, middle, last = (at[name] for at in memory)
        assert last <= middle * _MOST_GROWTH + _SLACK_BYTES, f"{name}: {first}, {middle}, {last} bytes, seed {seed}"


class _Traffic:
    """Good traffic of every kind for as long as the block lasts."""

    def __init__(self, clients: dict[str, Client], url: str, authority: str, folder: Path) -> None:
        self._clients, self._url, self._authority, self._folder = clients, url, authority, folder
        self._stop = threading.Event()
        self.done: list[str] = []
        self.bad: list[str] = []

    def __enter__(self) -> None:
        self._threads = [threading.Thread(target=self._fetch, args=(name, made)) for name,
            made in self._clients.items()]
        self._threads.append(threading.Thread(target=self._visit))
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _fetch(self, name: str, made: Client) -> None:
        while not self._stop.is_set():
            done = made.fetch(self._url)
            self._note(name, done.stdout == PAGE, done.stderr.decode())

    def _visit(self) -> None:
        while not self._stop.is_set():
            page = visit("www.stealth.test", self._authority, self._folder)
            self._note("site", page == SITE, f"{len(page)} bytes")

    def _note(self, name: str, good: bool, reason: str) -> None:
        (self.done if good else self.bad).append(name if good else f"{name}: {reason}")
        self._stop.wait(0.2)
