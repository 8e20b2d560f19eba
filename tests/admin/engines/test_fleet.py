"""Several hosts by one panel, each with its threads, against fake agents."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from panel import PanelConfig, users
from panel.engines import Engines, accountant, accounting, certificates, host, traffic
from panel.engines.agent import Agent, Counters, Report
from panel.store.database import Database
from panel.store.models import TrafficHour, Usage, User
from panel.users import NewUser, UserChange
from tests.admin.engines.fleet import Fleet, wait_until
from tests.admin.engines.people import ACTOR, FACTS, add

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
# Longer than wait_until waits: who waited for a host that hangs would be found out on the busiest machine, too.
HANGING_SECONDS = 300.0


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    fleet = Fleet("main", "two", "three")
    yield fleet
    fleet.end()


@pytest.fixture
def started(
    config: PanelConfig, database: Database, monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[Fleet], Engines]]:
    """Starts the panel's threads for a fleet, any number of times one after the other."""
    monkeypatch.setattr(accountant, "PERIOD_SECONDS", 0.05)
    monkeypatch.setattr(certificates, "read", lambda *asked: certificates.Certificate(name=asked[-1]))
    running: list[Engines] = []

    def start(fleet: Fleet, *without: str) -> Engines:
        running.append(Engines(fleet.configured(config, *without), database))
        running[-1].start()
        return running[-1]

    yield start
    for engines in running:
        engines.stop()


def rows(database: Database) -> set[int]:
    with database.read() as session:
        return set(session.scalars(select(User.id)))


def test_a_user_is_brought_to_every_host(
    started: Callable[..., Engines], database: Database, fleet: Fleet,
) -> None:
    engines = started(fleet)
    add(database, "Anna")
    wait_until(lambda: fleet.have_all(database))
    assert all(agent.users.keys() == {"u1"} for agent in fleet.agents())
    wait_until(lambda: all(engine.state == "applied" for engine in engines.overview().engines))
    assert [engine.name for engine in engines.overview().engines] == [
        "xray", "singbox", "two/xray", "two/singbox", "three/xray", "three/singbox"]


@pytest.mark.parametrize("fault", ["dead", "hanging"])
def test_a_host_that_is_away_delays_neither_changes_nor_quotas_of_the_others(
    started: Callable[..., Engines], database: Database, fleet: Fleet, fault: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Agent._ask, "__defaults__", (None, HANGING_SECONDS))
    freed = threading.Event()
    if fault == "dead":
        fleet.die("two")
    for agent in fleet.agents("two"):
        # A code of 0 hangs up.
        agent.instead = lambda: (0, "") if freed.wait(HANGING_SECONDS) else None
    started(fleet)
    wait_until(lambda: fleet.have_all(database, "main", "three") and bool(fleet.agents("three")[0].revision))
    with database.write() as session:
        users.create(session, ACTOR, FACTS, NewUser(name="Anna", quota_bytes=1000))
    wait_until(lambda: fleet.have_all(database, "main", "three"))
    for name in ("main", "three"):
        fleet.hosts[name]["singbox"].agent.traffic = {"u1": {"tuic": {"up": 0, "down": 600, "open": 1}}}
    # Counting waits for nobody either.
    wait_until(lambda: all(agent.users == {} for agent in fleet.agents("main", "three")))
    freed.set()
    if fault == "dead":
        fleet.rise("two")


def test_a_host_that_comes_back_gets_what_it_missed_and_only_then_are_the_deleted_gone(
    started: Callable[..., Engines], database: Database, fleet: Fleet,
) -> None:
    add(database, "Anna", "Boris")
    engines = started(fleet)
    wait_until(lambda: fleet.have_all(database))
    fleet.die("two")
    wait_until(lambda: any(engine.state == "failed" for engine in engines.overview().engines))
    with database.write() as session:
        users.delete(session, ACTOR, 1)
    add(database, "Clara")
    wait_until(lambda: fleet.have_all(database, "main", "three"))
    for name in ("main", "three"):
        asked = fleet.hosts[name]["xray"].agent.asked
        seen = len(asked)
        wait_until(lambda asked=asked, seen=seen: asked[seen:].count("GET /traffic") > 1)  # type: ignore[misc]
    assert rows(database) == {1, 2, 3}, "host two still knows the deleted user, whose address nobody else may get"
    assert {"u1", "u2"} == fleet.agents("two")[0].users.keys()
    fleet.rise("two")
    engines.wake()
    wait_until(lambda: fleet.have_all(database))
    wait_until(lambda: rows(database) == {2, 3})


def test_who_was_deleted_while_a_host_was_out_of_the_fleet_is_gone_when_it_is_back(
    started: Callable[..., Engines], database: Database, fleet: Fleet,
) -> None:
    add(database, "Anna", "Boris")
    engines = started(fleet)
    wait_until(lambda: fleet.have_all(database))
    engines.stop()
    engines = started(fleet, "two")
    with database.write() as session:
        users.delete(session, ACTOR, 1)
    wait_until(lambda: rows(database) == {2})
    engines.stop()
    assert "u1" in fleet.agents("two")[0].users, "nothing in the store tells of the user any more"
    started(fleet)
    wait_until(lambda: fleet.have_all(database))


def test_quotas_are_of_the_sum_over_the_hosts(
    started: Callable[..., Engines], database: Database, fleet: Fleet,
) -> None:
    with database.write() as session:
        users.create(session, ACTOR, FACTS, NewUser(name="Anna", quota_bytes=1000))
    engines = started(fleet)
    wait_until(lambda: fleet.have_all(database))
    for name in fleet.hosts:
        fleet.hosts[name]["singbox"].agent.traffic = {"u1": {"tuic": {"up": 100, "down": 300, "open": 1}}}
    wait_until(lambda: all(agent.users == {} for agent in fleet.agents()))
    wait_until(lambda: sum(sum(counted.values()) for counted in engines.traffic.values()) == 1200)
    assert engines.traffic["three"] == {("tuic", "up"): 100, ("tuic", "down"): 300}
    assert engines.overview().users["limited"] == 1


def test_health_is_whether_any_engine_answered_lately(
    config: PanelConfig, database: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch,
) -> None:
    engines = Engines(fleet.configured(config), database)
    fleet.hosts["two"]["xray"].die()
    fleet.die("three")
    for one in engines._hosts:
        for bringing in one.synchronisers:
            bringing.step()

    def healthy(later: timedelta) -> list[str]:
        with database.read() as session:
            return [one.name for one in engines.hosts(session, datetime.now(UTC) + later) if one.is_healthy]

    assert healthy(timedelta()) == ["main", "two", "three"], "nobody can know yet"
    monkeypatch.setattr(host, "PATIENCE", timedelta(seconds=0.2))
    time.sleep(0.25)
    for name in ("main", "two", "three"):
        one = next(one for one in engines._hosts if one.name == name)
        one.synchronisers[1].step()
    assert healthy(timedelta()) == ["main", "two"]
    assert healthy(timedelta(seconds=1)) == []
    engines.stop()
    fleet.hosts["two"]["xray"].rise()
    fleet.rise("three")


def counted(database: Database, name: str, report: Report, now: datetime = NOW) -> None:
    with database.write() as session:
        found = accounting.look(session, now, {"singbox": report, "wireguard": report}, name)
        accounting.add(session, now, found.changes, name)


def counters(up: int, is_open: int = 0, seen: int = 0) -> Counters:
    return Counters(up=up, down=0, open=is_open, seen=seen)


def test_hosts_counters_are_apart_and_their_sums_together(database: Database) -> None:
    (user,) = add(database, "Anna")
    counted(database, "main", Report(instance="a", users={"u1": {"tuic": counters(100, 1)}}))
    counted(database, "two", Report(instance="b", users={"u1": {"tuic": counters(30, 2)}}))
    counted(database, "main", Report(instance="a", users={"u1": {"tuic": counters(110, 1)}}))
    counted(database, "two", Report(instance="b", users={"u1": {"tuic": counters(30, 2)}}))
    with database.read() as session:
        assert session.get_one(User, user).up_bytes == 140
        (protocol,) = traffic.by_protocol(session, user)
        assert (protocol.up_bytes, protocol.open_connections) == (140, 3)
        assert session.scalars(select(TrafficHour.up_bytes)).all() == [140]


def test_a_host_that_saw_a_user_earlier_does_not_take_back_when_they_were_seen(database: Database) -> None:
    (user,) = add(database, "Anna")
    earlier = NOW - timedelta(hours=1)
    counted(database, "main", Report(instance="a", users={"u1": {"tuic": counters(1)}}))
    counted(database, "two", Report(instance="b", users={"u1": {
        "wireguard": counters(1, seen=int(earlier.timestamp()))}}))
    with database.read() as session:
        assert session.get_one(User, user).last_seen_at == NOW


def test_who_was_removed_for_good_between_a_look_and_its_writing_harms_nothing(database: Database) -> None:
    add(database, "Anna", "Boris")
    told = Report(instance="a", users={name: {"tuic": counters(5)} for name in ("u1", "u2")})
    with database.read() as session:
        found = accounting.look(session, NOW, {"singbox": told}, "two")
    with database.write() as session:
        users.delete(session, ACTOR, 1)
        users.purge(session, 3)
    with database.write() as session:
        accounting.add(session, NOW, found.changes, "two")
    with database.read() as session:
        assert session.execute(select(Usage.user_id, Usage.host, Usage.up_bytes)).all() == [(2, "two", 5)]


def test_nobody_is_connected_by_a_host_that_has_left(database: Database) -> None:
    add(database, "Anna")
    counted(database, "two", Report(instance="b", users={"u1": {"tuic": counters(30, 2)}}))
    with database.write() as session:
        accounting.close_others(session, ["main", "two"])
        assert traffic.online_number(session, NOW) == 1
        accounting.close_others(session, ["main"])
        assert traffic.online_number(session, NOW) == 0
        assert session.scalars(select(Usage.up_bytes)).all() == [30]


def test_a_change_of_expiry_reaches_every_host_without_anybody_asking(
    started: Callable[..., Engines], database: Database, fleet: Fleet,
) -> None:
    add(database, "Anna")
    started(fleet)
    wait_until(lambda: fleet.have_all(database) and bool(fleet.agents()[-1].users))
    with database.write() as session:
        users.edit(session, ACTOR, 1, UserChange(expires_at=datetime.now(UTC) + timedelta(milliseconds=50)))
    wait_until(lambda: all(agent.users == {} for agent in fleet.agents()))
