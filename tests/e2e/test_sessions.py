"""What running downloads survive: reloads and crashes of Caddy, and a change of another daemon."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.client import Client, Transfer, all_clients
from tests.e2e.deployment import SERVICES, Server, docker, ids, inspect
from tests.e2e.outside import PAGE, Outside
from tests.e2e.programs import PROTOCOLS
from tests.e2e.test_protocols import VICTIMS, fetch_each

pytestmark = pytest.mark.integration

UDP_PROTOCOLS = ("hysteria2", "tuic", "wireguard")
ROUNDS = 10
RATE = 200_000
"""Bytes per second of a paced download: little enough that only a stall, and not a slow machine, makes a gap."""

LONGEST_GAP_SECONDS = 2


class Downloads:
    """Paced downloads of several clients at the same time."""

    def __init__(self, clients: dict[str, Client], origin: str, seconds: int) -> None:
        self._bytes = RATE * seconds
        url = f"{origin}/{self._bytes}?rate={RATE}"
        self._pool = ThreadPoolExecutor(max_workers=len(clients))
        self._running: dict[str, Future[Transfer]] = {
            name: self._pool.submit(made.transfer, url) for name, made in clients.items()}

    def are_on(self) -> bool:
        """Tell whether none has ended."""
        return not any(done.done() for done in self._running.values())

    def faults(self) -> dict[str, str]:
        """Wait for all, and tell which did not come whole or stalled."""
        self._pool.shutdown()
        told = {name: self._fault(done) for name, done in self._running.items()}
        return {name: fault for name, fault in told.items() if fault}

    def _fault(self, done: Future[Transfer]) -> str:
        if error := done.exception():
            return str(error)
        transfer = done.result()
        if transfer.bytes != self._bytes:
            return f"{transfer.bytes} of {self._bytes} bytes"
        gap = transfer.longest_gap_seconds
        return f"a gap of {gap:.1f} s" if gap > LONGEST_GAP_SECONDS else ""


def rounds(clients: dict[str, Client], origin: str, harm: Callable[[], object]) -> dict[int, dict[str, str]]:
    """Do harm ten times, each time while downloads that began before it run; return the rounds that had faults."""
    running = []
    for _ in range(ROUNDS):
        running.append(Downloads(clients, origin, seconds=4))
        time.sleep(1)
        harm()
        time.sleep(1.2)  # a sixth crash within ten seconds would end the container
    return {number: faults for number, made in enumerate(running) if (faults := made.faults())}


def reload() -> None:
    docker("exec", "stealth-caddy", "/usr/local/bin/caddy", "reload", "--force",
           "--config", "/etc/stealth/Caddyfile", "--adapter", "caddyfile")


def test_a_reload_of_caddy_touches_no_session(deployed: Server, origin: str, beyond: Outside) -> None:
    with all_clients(deployed) as clients:
        fetch_each(clients, beyond.url)
        assert set(clients) == set(PROTOCOLS)
        assert rounds(clients, origin, reload) == {}


def child_of(pid: int) -> int:
    """Return the one child of a process (proc(5), /proc/<pid>/task/<tid>/children)."""
    found = [child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    (child,) = found
    return int(child)


@pytest.mark.long
def test_a_crash_of_caddy_touches_no_udp_session_and_tcp_comes_back(
    deployed: Server, origin: str, beyond: Outside,
) -> None:
    before = inspect("caddy")
    front = before["State"]["Pid"]
    killed = set()

    def crash() -> None:
        caddy = child_of(front)
        killed.add(caddy)
        os.kill(caddy, signal.SIGKILL)

    with all_clients(deployed) as clients:
        through_udp = {name: clients[name] for name in UDP_PROTOCOLS}
        fetch_each(through_udp, beyond.url)
        assert rounds(through_udp, origin, crash) == {}
    assert len(killed) == ROUNDS
    # New ones: chisel's client of before has ended when its first packet found no server.
    with all_clients(deployed) as clients:
        assert {name for name, page in fetch_each(clients, beyond.url).items() if page != PAGE} == set()
    state = inspect("caddy")
    assert (state["RestartCount"], state["State"]["Pid"]) == (before["RestartCount"], front)


def test_a_change_of_one_daemon_leaves_downloads_through_the_others_alone(
    deployed: Server, origin: str, beyond: Outside,
) -> None:
    before = ids()
    template = deployed.folder / "templates" / "singbox" / "config.json.j2"
    text = template.read_text()
    with all_clients(deployed) as clients:
        fetch_each(clients, beyond.url)
        others = {name: made for name, made in clients.items() if name not in VICTIMS["singbox"]}
        running = Downloads(others, origin, seconds=30)
        template.write_text(text + "\n")
        try:
            deployed.up()
        finally:
            template.write_text(text)
        assert running.are_on()
        after = ids()
        assert {name for name in SERVICES if after[name] != before[name]} == {"singbox"}
        assert running.faults() == {}
