"""The panel and four agents, each in a process of its own: what SIGKILL does, and what ten thousand users take."""

import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from panel import users
from panel.engines import accounting
from panel.engines.agent import Agent, AgentError, Counters, Report
from panel.engines.digest import digest
from panel.protocols import ENGINES, PROTOCOLS
from panel.store.database import Database
from panel.store.migration import migrate
from panel.store.models import Fact, Usage, User
from panel.users import credentials
from tests.admin import panel_client, panel_file
from tests.admin.engines import real_agent
from tests.admin.engines.fake_agent import TOKEN
from tests.admin.engines.people import wanted
from tests.admin.engines.real_agent import RealAgent
from tests.admin.test_serve import free_port

pytestmark = pytest.mark.integration
PATIENCE_SECONDS = 30
MANY = 10_000
ACTIVE = 500


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return real_agent.build(tmp_path_factory.mktemp("agent"))


class World:
    """A panel that is started and killed, and agents that stay."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.port = free_port()
        self.agents = {name: RealAgent(program, _made(folder / name)) for name in ENGINES}
        self._file = panel_file.write(
            folder, port=self.port, logLevel="WARNING",
            server=panel_file.SERVER | {"wireguardSubnet": "10.66.0.0/16"},
            engines={name: {"url": agent.url, "token": TOKEN} for name, agent in self.agents.items()})
        self.database = Database(f"sqlite:///{folder}/panel.db")
        migrate(self.database)

    def start(self) -> None:
        self.panel = subprocess.Popen([sys.executable, "admin/serve.py", self._file])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the panel's API as `ops` does; raises OSError or HTTPException if the panel dies meanwhile."""
        return panel_client.ask(self.port, method, path, body, patience_seconds=PATIENCE_SECONDS)

    def have_all(self) -> bool:
        return all(self.digests()[name] == digest(wanted_by(self.database, name)) for name in ENGINES)

    def digests(self) -> dict[str, str]:
        found = {}
        for name, served in self.agents.items():
            agent = Agent(served.url, TOKEN)
            try:
                found[name] = agent.status().digest
            except AgentError as error:
                found[name] = str(error)
            finally:
                agent.close()
        return found

    def end(self) -> None:
        self.panel.kill()
        self.panel.wait()
        for agent in self.agents.values():
            agent.die()
        self.database.close()


def wanted_by(database: Database, engine: str) -> dict[str, dict[str, str]]:
    return wanted(database, engine, subnet="10.66.0.0/16")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.fixture
def world(tmp_path: Path, program: Path) -> Iterator[World]:
    world = World(tmp_path, program)
    world.start()
    yield world
    world.end()


def seconds_until(holds: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() < began + PATIENCE_SECONDS, "it does not come to hold"
        time.sleep(0.005)
    return time.monotonic() - began


def is_listening(world: World) -> bool:
    try:
        world.ask("GET", "/overview")
    except OSError:
        return False
    return True


def test_engines_converge_after_each_kill_of_the_panel_amid_changes(world: World) -> None:
    chance, acknowledged = random.Random(5), 0
    for round_number in range(20):
        seconds_until(lambda: is_listening(world))
        end = time.monotonic() + chance.uniform(0, 0.3)
        while time.monotonic() < end:
            made = world.ask("POST", "/users", {"name": f"person {round_number} {acknowledged}"})
            acknowledged += 1
            if chance.random() < 0.5:
                world.ask("DELETE", f"/users/{made['id']}")
        world.panel.send_signal(signal.SIGKILL)
        world.panel.wait()
        world.start()
    seconds_until(world.have_all)
    print(f"\n{acknowledged} users made, 20 kills")
    assert acknowledged > 20


def test_ten_thousand_users(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    seconds_until(lambda: is_listening(world))
    world.panel.kill()
    world.panel.wait()
    fill(world.database)
    expected = {name: digest(wanted_by(world.database, name)) for name in ENGINES}
    world.start()
    listening = seconds_until(lambda: is_listening(world))
    reconciled = seconds_until(lambda: world.digests() == expected)
    assert reconciled < 10
    # The counters of a thousand users who are all new to the panel are still being added up.
    time.sleep(10)
    reached = sorted(seconds_of_disabling(world, user_id) for user_id in range(2000, 2009))
    assert statistics.median(reached) < 1
    status = Path(f"/proc/{world.panel.pid}/status").read_text()
    world.panel.kill()
    counting = seconds_of_counting(world.database)
    assert max(counting) < 2
    memory = {key: int(status.split(key)[1].split()[0]) // 1024 for key in ("VmHWM:", "VmRSS:")}
    with capsys.disabled():
        print(f"\n{MANY} users: panel listens after {listening:.1f} s, four engines have all {reconciled:.1f} s later; "
              f"one change is at all engines after {statistics.median(reached):.2f} s, at most {reached[-1]:.2f} s; "
              f"counting {ACTIVE} active users {max(counting):.2f} s; memory {memory['VmRSS:']} MiB, "
              f"at most {memory['VmHWM:']} MiB")


def fill(database: Database) -> None:
    """Add users by rows: their service would take its time for each one's audit entry."""
    now = datetime.now(UTC)
    with database.write() as session:
        session.execute(insert(User), [{
            "name": f"person {number}", "name_key": f"person {number}", "search_key": f"person {number}\n", "note": "",
            "secrets": credentials.make(), "wireguard_number": 2 + 2 * number, "period_began_at": now,
            "created_at": now, "updated_at": now, "revision": 2} for number in range(1, MANY)])
        session.get_one(Fact, "revision").value = "2"
        session.execute(insert(Usage), [
            {"user_id": user_id, "protocol": protocol, "instance": "before", "counted_up_bytes": 1,
             "counted_down_bytes": 1} for user_id in range(2, MANY) for protocol in PROTOCOLS])


def seconds_of_disabling(world: World, user_id: int) -> float:
    began = time.monotonic()
    world.ask("POST", f"/users/{user_id}/disable")
    name = f'"u{user_id}"'.encode()
    seconds_until(lambda: all(name not in agent.users.read_bytes() for agent in world.agents.values()))
    return time.monotonic() - began


def seconds_of_counting(database: Database) -> list[float]:
    """Return how long passes take while all users have counters and some are active."""
    found = []
    for number in range(3):
        reports = {engine: Report(instance="before", users={
            f"u{user_id}": {name: Counters(up=1 + number * (user_id < ACTIVE), down=1, open=0)
                            for name, protocol in PROTOCOLS.items() if protocol.engine == engine}
            for user_id in range(2, MANY)}) for engine in ENGINES}
        began = time.monotonic()
        with database.read() as session:
            changes = accounting.look(session, datetime.now(UTC), reports).changes
        # The first look takes the counters from the panel's own, which had those of another run.
        assert number == 0 or len(changes) == (ACTIVE - 2) * len(PROTOCOLS)
        with database.write() as session:
            accounting.add(session, datetime.now(UTC), changes)
        with database.write() as session:
            users.refresh_status(session, datetime.now(UTC))
        found.append(time.monotonic() - began)
    return found


def test_a_hundred_changes_reach_all_engines_within_a_second_each(world: World) -> None:
    seconds_until(lambda: is_listening(world))
    seconds_until(world.have_all)
    slowest = 0.0
    for number in range(100):
        world.ask("POST", "/users", {"name": f"person {number}"})
        slowest = max(slowest, seconds_until(world.have_all))
    print(f"\nslowest of 100 changes: {slowest * 1000:.0f} ms after its answer")
    assert slowest < 1
