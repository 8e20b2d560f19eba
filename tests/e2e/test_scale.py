"""The panel with 10,000 users and real engines, and killed while it writes."""

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPException
from random import Random

import pytest

from ops.errors import OperatorError
from tests.e2e.deployment import SERVICES, Server, await_healthy, docker, inspect
from tests.e2e.panel_api import PanelApi, panel_api
from tests.e2e.test_flood import resident_bytes
from tests.timing import p95

pytestmark = pytest.mark.integration

PEOPLE = 10_000
PAGE_SECONDS = 0.3
RECONCILE_SECONDS = 10
KILLS = 10

_ROUNDS = 40
_PATIENCE_SECONDS = 60


def forget_users(service: str) -> None:
    """Let an engine lose its own copy of the users, and start it without any."""
    docker("stop", f"stealth-{service}")
    (volume,) = (mount["Name"] for mount in inspect(service)["Mounts"]
                 if mount["Destination"] == f"/var/lib/{service}")
    docker("run", "--rm", "--volume", f"{volume}:/users", "--entrypoint", "/bin/rm", "stealth-vpn/os:trixie",
           "/users/users.json")
    docker("start", f"stealth-{service}")


@contextmanager
def crowd_leaves_after(server: Server) -> Iterator[PanelApi]:
    """Use the API, and remove all users but the first one in the end."""
    try:
        with panel_api(server) as api:
            yield api
    finally:
        with panel_api(server) as api:
            api.remove([number for number in api.ids().values() if number != 1])
            api.when_applied(patience_seconds=_PATIENCE_SECONDS)


@pytest.mark.long
def test_ten_thousand_users_are_listed_found_and_brought_to_every_engine_in_time(server: Server) -> None:
    server.stand(vpnSubnet="10.64.0.0/16")
    before = {name: inspect(name)["RestartCount"] for name in SERVICES}
    with crowd_leaves_after(server) as api:
        began = time.time()
        report = api.call("POST", "/import", [{"name": f"person {number}", "note": "pays monthly"}
                                              for number in range(PEOPLE)])
        assert report["created"] == PEOPLE
        imported = time.time()
        assert report["lacks"] == []
        applied = api.when_applied(patience_seconds=_PATIENCE_SECONDS)
        listing = p95(lambda number: api.call("GET", f"/users?page={number}&page_size=50&sort=used"),
                      _ROUNDS, PAGE_SECONDS)
        searching = p95(lambda number: api.call("GET", f"/users?search=n%20{number * 97}&page_size=50"),
                        _ROUNDS, PAGE_SECONDS)
        change_began = time.time()
        api.call("POST", "/users", {"name": "one more"})
        change = api.when_applied() - change_began
        forget_users("singbox")
        lost = time.time()
        await_healthy("singbox", patience_seconds=_PATIENCE_SECONDS)
        started = time.time()
        again = api.when_applied(patience_seconds=_PATIENCE_SECONDS, after=started) - lost
        memory = {name: held / inspect(name)["HostConfig"]["Memory"] for name, held in resident_bytes().items()}
    print(f"\nimport {imported - began:.1f} s, to all engines {applied - imported:.1f} s more, one more user "
          f"{change:.2f} s, an engine that lost all {again:.1f} s; p95 of a list page {listing * 1000:.0f} ms, of a "
          f"search {searching * 1000:.0f} ms; memory as a share of the limit: "
          + ", ".join(f"{name} {share:.2f}" for name, share in memory.items()))
    assert listing <= PAGE_SECONDS
    assert searching <= PAGE_SECONDS
    assert applied - imported <= RECONCILE_SECONDS
    assert again <= RECONCILE_SECONDS
    assert {name: inspect(name)["RestartCount"] for name in SERVICES} == before
    assert not any(inspect(name)["State"]["OOMKilled"] for name in SERVICES)


def write(server: Server, acknowledged: list[str], stopped: threading.Event) -> None:
    """Add users, and go on whenever the panel is back."""
    for connection in itertools.count():
        with suppress(OSError, HTTPException, AssertionError, ValueError, OperatorError), panel_api(server) as api:
            for number in itertools.count():
                if stopped.is_set():
                    return
                name = f"written {connection} {number}"
                api.call("POST", "/users", {"name": name})
                acknowledged.append(name)
        time.sleep(0.1)


def test_a_panel_that_is_killed_while_it_writes_keeps_what_it_acknowledged_and_engines_follow(
    deployed: Server,
) -> None:
    acknowledged: list[str] = []
    stopped = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write, deployed, acknowledged, stopped)
        try:
            for _ in range(KILLS):
                known, end = len(acknowledged), time.monotonic() + _PATIENCE_SECONDS
                while len(acknowledged) < known + 2:
                    assert time.monotonic() < end
                    time.sleep(0.05)
                time.sleep(Random().random() / 4)
                docker("kill", "stealth-admin")
                docker("start", "stealth-admin")
        finally:
            stopped.set()
        writing.result(_PATIENCE_SECONDS)
    with panel_api(deployed) as api:
        api.when_applied(patience_seconds=_PATIENCE_SECONDS)
        there = api.ids()
        api.remove([number for name, number in there.items() if name.startswith("written ")])
    print(f"\n{len(acknowledged)} users were acknowledged between {KILLS} kills")
    assert [name for name in acknowledged if name not in there] == []
