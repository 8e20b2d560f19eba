"""Measures up to where one panel serves a fleet: a real panel with PostgreSQL, and real agents around engines that only
remember.

    PYTHONPATH=admin .venv/bin/python -m benchmarks.scale [--users N]... [--hosts N]...

For each pair: how long all engines take to have all users after the panel's start, when one changed user is at all of
them, what a round of counting takes and writes, how many subscriptions a second are answered, and how much memory the
panel takes. Panel, database, agents and clients share this machine; docs/scaling.md says what that means.
"""

import argparse
import http.client
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import func, select

from benchmarks.panel import Panel, fill
from panel.config import PanelConfig
from panel.engines import accounting
from panel.engines.agent import Agent, AgentError, Counters, Report
from panel.protocols import ENGINES, PROTOCOLS
from panel.store.database import Database
from panel.store.models import Usage, User
from panel.subscriptions import tokens
from panel.users import refresh_status
from tests.admin import panel_file
from tests.admin.engines import real_agent
from tests.admin.engines.fake_agent import TOKEN
from tests.admin.engines.real_agent import RealAgent
from tests.admin.postgresql import server

USERS = (1_000, 10_000, 30_000)
"""30,000 is near what the widest usual subnet of WireGuard's peers has room for, a /16: 32,766."""

HOSTS = (1, 3, 10)
CLIENTS = 4
READ_SECONDS = 8.0
ACTIVE_SHARE = 20
"""One of so many users has had traffic on a host since the last look."""

CHANGES, ROUNDS = 7, 5
_PATIENCE_SECONDS = 600
_READERS = 8_000
_SUBNET = "10.66.0.0/16"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was found of one fleet; times in seconds."""

    users: int
    hosts: int
    bring: float
    change: float
    slowest_change: float
    counting: float
    written: int
    subscriptions: float
    reading: float
    memory_mib: int

    def row(self) -> str:
        """As a line of the table in docs/scaling.md."""
        return (f"| {self.users:,} | {self.hosts} | {self.bring:.1f} | {self.change:.2f} ({self.slowest_change:.2f}) | "
                f"{self.counting:.2f} | {self.written / self.counting:,.0f} | {self.subscriptions:.0f} | "
                f"{self.reading * 1000:.0f} | {self.memory_mib} |")


class Fleet:
    """The agents of some hosts, and a panel for them."""

    def __init__(self, folder: Path, program: Path, database_url: str, hosts: int) -> None:
        self.agents = {name: {engine: RealAgent(program, _made(folder / name / engine)) for engine in ENGINES}
                       for name in ("main", *(f"h{number}" for number in range(2, hosts + 1)))}
        further = {name: {"engines": _access(agents), "server": _server(f"{name}.example")}
                   for name, agents in self.agents.items() if name != "main"}
        self.panel = Panel(folder, databaseUrl=database_url, server=_server("example.com"),
                           engines=_access(self.agents["main"]), hosts=further)

    def have(self) -> set[str]:
        """Return how many users the engines have, or what they say instead; all the same is one entry."""
        found = set()
        for agents in self.agents.values():
            for served in agents.values():
                agent = Agent(served.url, TOKEN)
                try:
                    found.add(f"{agent.status().users} users")
                except AgentError as error:
                    found.add(str(error))
                finally:
                    agent.close()
        return found

    def lack(self, name: str) -> bool:
        """Tell whether no agent has written down a user of that name."""
        text = f'"{name}"'.encode()
        return all(text not in agent.users.read_bytes() for agents in self.agents.values() for agent in agents.values())

    def end(self) -> None:
        """Stop all of it."""
        self.panel.end()
        for agents in self.agents.values():
            for agent in agents.values():
                agent.die()


def measure(started: server.Server, program: Path, people: int, hosts: int) -> Measured:
    """Return what is found of one fleet with a store of its own."""
    with tempfile.TemporaryDirectory(prefix="stealth-bench-") as made, ExitStack() as stack:
        url = started.copy()
        database = Database(url)
        stack.callback(database.close)
        fill(database, people)
        fleet = Fleet(Path(made), program, url, hosts)
        stack.callback(fleet.end)
        began = time.monotonic()
        fleet.panel.start()
        _until(lambda: fleet.have() == {f"{people} users"})
        bring = time.monotonic() - began
        # The counters of a thousand users are new to the panel.
        time.sleep(15)
        changes = sorted(_seconds_of_change(fleet, people - number) for number in range(CHANGES))
        subscriptions, reading = _subscriptions(fleet.panel.config, database)
        memory = psutil.Process(fleet.panel.pid).memory_info().rss >> 20
        fleet.panel.end()
        counting, written = _counting(database, people, hosts)
        return Measured(users=people, hosts=hosts, bring=bring, change=statistics.median(changes),
                        slowest_change=changes[-1], counting=counting, written=written, subscriptions=subscriptions,
                        reading=reading, memory_mib=memory)


def _seconds_of_change(fleet: Fleet, user_id: int) -> float:
    began = time.monotonic()
    fleet.panel.ask("POST", f"/users/{user_id}/disable")
    _until(lambda: fleet.lack(f"u{user_id}"))
    return time.monotonic() - began


def _subscriptions(config: PanelConfig, database: Database) -> tuple[float, float]:
    """Return answers per second and the median time of one, when several clients read without a pause."""
    with database.read() as session:
        # Each read is another user's, as client programs that ask twice a day make them: it is written down.
        users = session.scalars(select(User).where(User.is_enabled).limit(_READERS)).all()
        paths = [tokens.url(config, user).partition("//")[2].partition("/")[2] for user in users]
    with multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        times = [one for found in pool.starmap(_read, [(config.port, paths[number::CLIENTS]) for number
                                                       in range(CLIENTS)]) for one in found]
    return len(times) / READ_SECONDS, statistics.median(times)


def _read(port: int, paths: list[str]) -> list[float]:
    """Read links one after the other as a client program does, each over a connection of its own."""
    found: list[float] = []
    end = time.monotonic() + READ_SECONDS
    while (began := time.monotonic()) < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", f"/{paths[len(found) % len(paths)]}", headers={"User-Agent": "v2rayNG/1.8"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 200, answer.status
        found.append(time.monotonic() - began)
    return found


def _counting(database: Database, people: int, hosts: int) -> tuple[float, int]:
    """Return how long one round over all hosts takes, and how many rows of usage it changes."""
    rounds, written = [], 0
    active = people // ACTIVE_SHARE
    for number in range(ROUNDS + 1):
        began = time.monotonic()
        written = 0
        for host in ("main", *(f"h{one}" for one in range(2, hosts + 1))):
            reports = {engine: _report(engine, active, number) for engine in ENGINES}
            now = datetime.now(UTC)
            with database.read() as session:
                changes = accounting.look(session, now, reports, host).changes
            with database.write() as session:
                accounting.add(session, now, changes, host)
            with database.write() as session:
                refresh_status(session, datetime.now(UTC))
            written += len(changes)
        rounds.append(time.monotonic() - began)
    with database.read() as session:
        rows = session.scalar(select(func.count()).select_from(Usage)) or 0
    assert rows >= written, "the counters were not written"
    # The first round makes the rows.
    return statistics.median(rounds[1:]), written


def _report(engine: str, active: int, number: int) -> Report:
    return Report(instance="bench", users={
        f"u{user_id}": {name: Counters(up=1000 * (number + 1), down=5000 * (number + 1), open=1)
                        for name, protocol in PROTOCOLS.items() if protocol.engine == engine}
        for user_id in range(1, active + 1)})


def _access(agents: dict[str, RealAgent]) -> dict[str, Any]:
    return {name: {"url": agent.url, "token": TOKEN} for name, agent in agents.items()}


def _server(domain: str) -> dict[str, object]:
    return panel_file.SERVER | {"domain": domain, "wireguardSubnet": _SUBNET, "names": {
        label: f"{label}.{domain}" for label in ("www", "cdn", "img", "app", "q", "t")}}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "it does not come to hold"
        time.sleep(0.02)


@contextmanager
def _world() -> Iterator[tuple[server.Server, Path]]:
    with tempfile.TemporaryDirectory(prefix="stealth-agent-") as made, server.serve(settings=("fsync=on",)) as started:
        yield started, real_agent.build(Path(made))


def main() -> None:
    """Measure each pair and print the table as it comes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, action="append")
    parser.add_argument("--hosts", type=int, action="append")
    asked = parser.parse_args()
    with _world() as (started, program):
        print(f"load of the machine {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores before", flush=True)
        print("| users | hosts | to all engines, s | one change, s | counting, s | rows/s | links/s | one, ms | MiB |\n"
              "|---|---|---|---|---|---|---|---|---|", flush=True)
        for people in asked.users or USERS:
            for hosts in asked.hosts or HOSTS:
                print(measure(started, program, people, hosts).row(), flush=True)


if __name__ == "__main__":
    main()
