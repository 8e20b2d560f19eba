"""The whole room, with its threads, against fake agents."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from panel import users
from panel.config import EngineAccess, PanelConfig
from panel.engines import Engines, accountant, accounting, certificates
from panel.store.alerts import Alarm
from panel.store.database import Database
from panel.store.models import User
from panel.users import NewUser, UserChange
from tests.admin.engines.fake_agent import TOKEN, FakeAgent, Served
from tests.admin.engines.people import ACTOR, FACTS, add, wanted

NAMES = ("xray", "singbox")
# No claim is about time: this is when a test that hangs ends.
PATIENCE_SECONDS = 10


@pytest.fixture
def agents() -> Iterator[dict[str, Served]]:
    agents = {name: Served(FakeAgent()) for name in NAMES}
    yield agents
    for served in agents.values():
        served.die()


@pytest.fixture
def engines(
    config: PanelConfig, database: Database, agents: dict[str, Served], monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Engines]:
    monkeypatch.setattr(accountant, "PERIOD_SECONDS", 0.02)
    monkeypatch.setattr(certificates, "read", lambda *asked: certificates.Certificate(name=asked[-1]))
    engines = Engines(dataclasses.replace(config, engines={
        name: EngineAccess(url=served.url, token=TOKEN) for name, served in agents.items()}), database)
    yield engines
    engines.stop()


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "it does not come to hold"
        time.sleep(0.005)


def have_all(database: Database, agents: dict[str, Served]) -> bool:
    return all(served.agent.users == wanted(database, name) for name, served in agents.items())


def test_a_commit_is_all_that_a_change_needs(engines: Engines, database: Database, agents: dict[str, Served]) -> None:
    engines.start()
    wait_until(lambda: all(served.agent.revision for served in agents.values()))
    add(database, "Anna")
    wait_until(lambda: have_all(database, agents))
    with database.write() as session:
        users.switch(session, ACTOR, 1, False)
    wait_until(lambda: have_all(database, agents))
    assert [served.agent.users for served in agents.values()] == [{}, {}]


def test_a_deleted_user_is_purged_when_every_engine_has_forgotten_them(
    engines: Engines, database: Database, agents: dict[str, Served],
) -> None:
    add(database, "Anna")
    engines.start()
    wait_until(lambda: have_all(database, agents))
    agents["xray"].agent.fault = "no room"
    with database.write() as session:
        users.delete(session, ACTOR, 1)
    wait_until(lambda: agents["singbox"].agent.users == {} and asked_again(agents["singbox"]))
    assert number_of_rows(database) == 1, "Xray's agent does not say that it has forgotten"
    agents["xray"].agent.fault = ""
    engines.wake()
    wait_until(lambda: number_of_rows(database) == 0)


def test_quota_and_expiry_are_enforced_without_anybody_asking(
    engines: Engines, database: Database, agents: dict[str, Served],
) -> None:
    with database.write() as session:
        users.create(session, ACTOR, FACTS, NewUser(name="Anna", quota_bytes=1000))
        users.create(session, ACTOR, FACTS, NewUser(name="Boris"))
    engines.start()
    wait_until(lambda: len(agents["singbox"].agent.users) == 2)
    agents["singbox"].agent.traffic = {"u1": {"tuic": {"up": 400, "down": 600, "open": 1}}}
    wait_until(lambda: all(set(served.agent.users) == {"u2"} for served in agents.values()))
    with database.write() as session:
        users.edit(session, ACTOR, 2, UserChange(expires_at=datetime.now(UTC) + timedelta(milliseconds=50)))
    wait_until(lambda: all(served.agent.users == {} for served in agents.values()))
    assert engines.overview().users == {"active": 0, "disabled": 0, "expired": 1, "limited": 1}
    assert engines.traffic == {"main": {("tuic", "up"): 400, ("tuic", "down"): 600}}


def test_one_dead_engine_keeps_nothing_from_the_others(
    engines: Engines, database: Database, agents: dict[str, Served],
) -> None:
    agents["xray"].die()
    engines.start()
    add(database, "Anna")
    wait_until(lambda: agents["singbox"].agent.users == wanted(database, "singbox"))
    agents["singbox"].agent.traffic = {"u1": {"tuic": {"up": 1, "down": 2, "open": 1}}}
    wait_until(lambda: engines.overview().online == 1)
    states = {engine.name: engine.state for engine in engines.overview().engines}
    assert states == {"xray": "failed", "singbox": "applied"}
    assert agents["singbox"].agent.revision.endswith(":1")
    agents["xray"].rise()


def test_the_overview_before_the_first_answer(engines: Engines, database: Database) -> None:
    add(database, "Anna", "Boris")
    with database.write() as session:
        users.switch(session, ACTOR, 2, False)
        session.add(Alarm(key="a b", began_at=datetime.now(UTC), sentence="Look at this.", ending="Gone."))
    overview = engines.overview()
    assert [(engine.name, engine.state, engine.fault) for engine in overview.engines] == [
        ("xray", "pending", ""), ("singbox", "pending", "")]
    assert overview.users == {"active": 1, "disabled": 1, "expired": 0, "limited": 0}
    assert (overview.online, overview.up_bytes, overview.warnings) == (0, 0, ("Look at this.",))


def test_an_engine_that_lacks_a_change_is_pending_and_lags(engines: Engines, database: Database) -> None:
    for bringing in engines._synchronisers:
        bringing.step()
    assert [(engine.state, engine.lag_seconds) for engine in engines.overview().engines] == [("applied", 0)] * 2
    add(database, "Anna")
    assert [(engine.state, engine.lag_seconds > 0) for engine in engines.overview().engines] == [("pending", True)] * 2


def test_an_engine_whose_counters_cannot_be_taken_is_named_until_they_can(
    engines: Engines, database: Database, agents: dict[str, Served],
) -> None:
    add(database, "Anna")
    agents["xray"].die()
    agents["singbox"].agent.traffic = {"u1": {"tuic": {"up": -1, "down": 2, "open": 1}}}
    for _ in range(2):
        engines._hosts[0].accountant.step()
    first = engines.overview().uncounted
    assert {one.engine: one.fault for one in first} == {
        "xray": "its agent refuses the connection; look at the engine's container.",
        "singbox": "1 of its counters cannot be, the first of them u1's by tuic; restart its container, so that "
                   "they begin at zero."}
    engines._hosts[0].accountant.step()
    assert engines.overview().uncounted == first, "since when it is so stays"
    agents["xray"].rise()
    agents["singbox"].agent.restart()
    engines._hosts[0].accountant.step()
    assert engines.overview().uncounted == ()


def test_traffic_that_cannot_be_written_down_is_told_of_every_engine(
    engines: Engines, database: Database, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise OverflowError

    with monkeypatch.context() as patched:
        patched.setattr(accounting, "add", fail)
        with pytest.raises(OverflowError):
            engines._hosts[0].accountant.step()
    assert {one.engine: one.fault for one in engines.overview().uncounted} == dict.fromkeys(
        NAMES, "the panel cannot write down what it reads; look at `docker logs stealth-admin`.")
    engines._hosts[0].accountant.step()
    assert engines.overview().uncounted == ()


def test_a_certificate_that_cannot_be_read_any_more_is_shown_as_it_was_last(
    engines: Engines, monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "www.example.com" in [one.name for one in engines.overview().certificates], "known before the first look"
    ends = datetime.now(UTC) + timedelta(days=9)
    looks: tuple[tuple[dict[str, Any], float], ...] = (
        ({"fault": "not there yet."}, 5), ({"expires_at": ends}, 3600), ({"fault": "gone."}, 60))
    for found, next_seconds in looks:
        monkeypatch.setattr(certificates, "read", lambda *asked, known=found: certificates.Certificate(
            name=asked[-1], **known))
        assert engines._read_certificates() == next_seconds
    assert {(one.expires_at, one.fault) for one in engines.overview().certificates} == {(ends, "gone.")}


def test_a_server_without_engines_purges_and_shows_nothing(config: PanelConfig, database: Database) -> None:
    engines = Engines(dataclasses.replace(config, engines={}, server=None), database)
    add(database, "Anna")
    with database.write() as session:
        users.delete(session, ACTOR, 1)
    engines.start()
    wait_until(lambda: number_of_rows(database) == 0)
    engines.stop()
    assert number_of_rows(database) == 0
    assert (engines.overview().engines, engines.overview().certificates) == ((), ())


def asked_again(served: Served) -> bool:
    """Whether the accountant has asked for traffic since the last change was told."""
    # The thread may have met the new user by its first step, or by a second one.
    tellings = [number for number, request in enumerate(served.agent.asked) if not request.startswith("GET")]
    return bool(tellings) and "GET /traffic" in served.agent.asked[tellings[-1]:]


def number_of_rows(database: Database) -> int:
    with database.read() as session:
        return len(session.scalars(select(User.id)).all())
