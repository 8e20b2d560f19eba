"""A fleet of the agents that engines have, each in a process of its own."""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from panel import PanelConfig, users
from panel.config import EngineAccess, HostAccess
from panel.engines import Engines, certificates
from panel.engines.agent import Agent
from panel.engines.digest import digest
from panel.store.database import Database
from tests.admin.engines import real_agent
from tests.admin.engines.fake_agent import TOKEN
from tests.admin.engines.fleet import wait_until
from tests.admin.engines.people import ACTOR, FACTS, add, wanted
from tests.admin.engines.real_agent import RealAgent

pytestmark = pytest.mark.integration
ENGINE = "xray"
# Within which a user who is added works on every host of a fleet.
PROMISED_SECONDS = 5


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return real_agent.build(tmp_path_factory.mktemp("agent"))


@pytest.fixture
def hosts(program: Path, tmp_path: Path) -> Iterator[dict[str, RealAgent]]:
    made = {}
    for name in ("main", "two", "three"):
        (tmp_path / name).mkdir()
        made[name] = RealAgent(program, tmp_path / name)
    yield made
    for agent in made.values():
        agent.die()


@pytest.fixture
def engines(
    config: PanelConfig, database: Database, hosts: dict[str, RealAgent], monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Engines]:
    monkeypatch.setattr(certificates, "read", lambda *asked: certificates.Certificate(name=asked[-1]))
    access = {name: {ENGINE: EngineAccess(url=agent.url, token=TOKEN)} for name, agent in hosts.items()}
    engines = Engines(dataclasses.replace(config, engines=access.pop("main"), hosts={
        name: HostAccess(engines=own, server=dataclasses.replace(FACTS, domain=f"{name}.example"))
        for name, own in access.items()}), database)
    engines.start()
    yield engines
    engines.stop()


def have(database: Database, *agents: RealAgent) -> bool:
    known = digest(wanted(database, ENGINE))
    return all(_digest(agent) == known for agent in agents)


def _digest(agent: RealAgent) -> str:
    with closing(Agent(agent.url, TOKEN)) as asked:
        return asked.status().digest


def test_a_user_added_once_is_on_every_host_within_the_promised_time(
    engines: Engines, database: Database, hosts: dict[str, RealAgent],
) -> None:
    add(database, "Anna")
    wait_until(lambda: have(database, *hosts.values()))
    began = time.monotonic()
    add(database, "Boris")
    wait_until(lambda: have(database, *hosts.values()))
    assert time.monotonic() - began < PROMISED_SECONDS
    hosts["two"].die()
    began = time.monotonic()
    add(database, "Clara")
    wait_until(lambda: have(database, hosts["main"], hosts["three"]))
    assert time.monotonic() - began < PROMISED_SECONDS, "a host that was killed delays no other"


def test_a_host_that_was_killed_is_told_what_it_missed_from_where_its_file_stands(
    engines: Engines, database: Database, hosts: dict[str, RealAgent],
) -> None:
    add(database, "Anna", "Boris")
    wait_until(lambda: have(database, *hosts.values()))
    hosts["two"].die()
    with database.write() as session:
        users.delete(session, ACTOR, 1)
    wait_until(lambda: have(database, hosts["main"], hosts["three"]))
    hosts["two"].rise()
    wait_until(lambda: have(database, hosts["two"]))
