from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from panel import users
from panel.engines import accounting, plausibility, traffic
from panel.engines.agent import Counters, Report
from panel.store.database import Database
from panel.store.models import TrafficHour, Usage, User
from tests.admin.engines.people import ACTOR, add

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
Told = dict[str, dict[str, Counters]]


def report(users: Told, instance: str = "first run") -> dict[str, Report]:
    return {"singbox": Report(instance=instance, users=users)}


def counters(up: int, down: int, is_open: int = 0, seen: int = 0) -> Counters:
    return Counters(up=up, down=down, open=is_open, seen=seen)


def count(database: Database, reports: dict[str, Report], now: datetime = NOW) -> dict[tuple[str, str], int]:
    with database.write() as session:
        return accounting.add(session, now, accounting.look(session, now, reports).changes)


def sums(database: Database, user_id: int) -> tuple[int, int, int]:
    with database.read() as session:
        user = session.get_one(User, user_id)
        return user.up_bytes, user.down_bytes, user.period_used_bytes


@pytest.fixture
def user(database: Database) -> int:
    return add(database, "Anna")[0]


def test_the_first_counters_are_the_traffic(database: Database, user: int) -> None:
    added = count(database, report({"u1": {"tuic": counters(3, 40), "hysteria2": counters(5, 60)}}))
    assert added == {("tuic", "up"): 3, ("tuic", "down"): 40, ("hysteria2", "up"): 5, ("hysteria2", "down"): 60}
    assert sums(database, user) == (8, 100, 108)


def test_afterwards_only_the_difference_counts(database: Database, user: int) -> None:
    for up in (10, 10, 25):
        count(database, report({"u1": {"tuic": counters(up, 0)}}))
    assert sums(database, user) == (25, 0, 25)


@pytest.mark.parametrize("instance", ["first run", "second run"], ids=["a counter that fell back", "another run"])
def test_counters_of_another_run_count_from_zero(database: Database, user: int, instance: str) -> None:
    count(database, report({"u1": {"tuic": counters(100, 1000)}}))
    count(database, report({"u1": {"tuic": counters(7, 70)}}, instance))
    assert sums(database, user) == (107, 1070, 1177)


def test_a_second_run_that_has_counted_more_already_counts_whole(database: Database, user: int) -> None:
    count(database, report({"u1": {"tuic": counters(100, 0)}}))
    count(database, report({"u1": {"tuic": counters(150, 0)}}, "second run"))
    assert sums(database, user) == (250, 0, 250)


@pytest.mark.parametrize("impossible", [
    counters(-1, 0), counters(0, -1), counters(2**62, 0), counters(0, 10**300), counters(0, 0, is_open=-1),
    counters(0, 0, is_open=2**31), counters(0, 0, seen=-1), counters(0, 0, seen=10**12),
    counters(100, plausibility.MOST_BYTES_AT_ONCE + 1)])
def test_counters_that_cannot_be_are_refused_and_hold_up_no_others(
    database: Database, user: int, impossible: Counters,
) -> None:
    add(database, "Boris")
    count(database, report({"u1": {"tuic": counters(100, 0)}}))
    told = report({"u1": {"tuic": impossible, "hysteria2": counters(3, 0)}, "u2": {"tuic": counters(5, 0)}})
    with database.read() as session:
        assert accounting.look(session, NOW, told).refused == [(user, "tuic")]
    count(database, told)
    assert (sums(database, user), sums(database, 2)) == ((103, 0, 103), (5, 0, 5))
    count(database, report({"u1": {"tuic": counters(130, 0), "hysteria2": counters(3, 0)}}))
    assert sums(database, user) == (133, 0, 133), "compared with what was counted before the fault"


def test_an_engine_that_is_silent_for_a_while_loses_nothing(database: Database, user: int) -> None:
    count(database, report({"u1": {"tuic": counters(100, 0, is_open=2)}}))
    count(database, {})
    with database.read() as session:
        assert traffic.online(session, NOW) == set()
    count(database, report({"u1": {"tuic": counters(130, 0)}}))
    assert sums(database, user) == (130, 0, 130)


def test_counters_of_nobody_go_nowhere(database: Database, user: int) -> None:
    strangers = {name: {"tuic": counters(1, 1)} for name in ("u99", "u", "u01", "x1", "u-1", "u1x", "U1", "")}
    others = {"u1": {"trojan": counters(1, 1), "nonsense": counters(1, 1)}}
    assert not any(count(database, report(strangers | others)).values()), "Trojan is not sing-box's"
    assert sums(database, user) == (0, 0, 0)


def test_what_a_deleted_user_used_until_the_end_harms_nothing(database: Database, user: int) -> None:
    count(database, report({"u1": {"tuic": counters(1, 1)}}))
    with database.write() as session:
        users.delete(session, ACTOR, user)
        users.purge(session, 2)
    count(database, report({"u1": {"tuic": counters(9, 9)}}))
    with database.read() as session:
        assert session.scalars(select(Usage)).all() == []
        assert session.scalars(select(TrafficHour)).all() == []


def test_last_seen_is_when_traffic_was_counted(database: Database, user: int) -> None:
    later = NOW + timedelta(minutes=1)
    count(database, report({"u1": {"tuic": counters(1, 1, is_open=1)}}))
    count(database, report({"u1": {"tuic": counters(1, 1, is_open=2)}}), later)
    assert seen(database, user) == NOW, "nothing was sent since"
    count(database, report({"u1": {"tuic": counters(1, 2)}}), later)
    assert seen(database, user) == later


def test_wireguard_says_itself_when_a_peer_was_there(database: Database, user: int) -> None:
    for passed, is_there in ((181, False), (179, True), (0, True)):
        heard = NOW - timedelta(seconds=passed)
        count(database, {"wireguard": Report(instance="i", users={"u1": {
            "wireguard": counters(1, 200 - passed, seen=int(heard.timestamp()))}})})
        assert seen(database, user) == heard
        with database.read() as session:
            assert traffic.online(session, NOW) == ({user} if is_there else set()), passed


def test_who_is_there_has_an_open_connection(database: Database) -> None:
    first, second, third = add(database, "Anna", "Boris", "Clara")
    count(database, report({"u1": {"tuic": counters(1, 1, is_open=1), "hysteria2": counters(1, 1, is_open=1)},
                            "u2": {"tuic": counters(1, 1)}, "u3": {"tuic": counters(0, 0, is_open=4)}}))
    with database.read() as session:
        assert traffic.online(session, NOW) == {first, third}
        assert traffic.online(session, NOW, [second, third]) == {third}
        assert traffic.online_number(session, NOW) == 2


def test_hours_are_kept_for_charts_and_then_dropped(database: Database, user: int) -> None:
    for hours, up in ((0, 1), (0, 3), (1, 10), (25, 11)):
        count(database, report({"u1": {"tuic": counters(up, up)}}), NOW + timedelta(hours=hours))
    with database.write() as session:
        assert [span.up_bytes for span in traffic.by_hour(session, NOW + timedelta(hours=1), 3)] == [0, 3, 7]
        assert [span.up_bytes for span in traffic.by_hour(session, NOW, 2, user_id=user + 1)] == [0, 0]
        accounting.forget_old_hours(session, NOW + accounting.KEPT + timedelta(minutes=30))
        assert [row.up_bytes for row in session.scalars(select(TrafficHour).order_by(TrafficHour.hour))] == [7, 1]


def test_days_are_those_of_the_zones_calendar(database: Database, user: int) -> None:
    # Clocks in Berlin went back on 25 October 2026, which so has 25 hours and begins at 22:00 UTC of the day before.
    zone = ZoneInfo("Europe/Berlin")
    for hour in range(48):
        count(database, report({"u1": {"tuic": counters(hour + 1, 0)}}),
              datetime(2026, 10, 24, 0, tzinfo=UTC) + timedelta(hours=hour))
    with database.read() as session:
        spans = traffic.by_day(session, datetime(2026, 10, 26, 12, tzinfo=UTC), 3, zone)
    assert [(span.began_at.isoformat(), span.up_bytes) for span in spans] == [
        ("2026-10-24T00:00:00+02:00", 22), ("2026-10-25T00:00:00+02:00", 25), ("2026-10-26T00:00:00+01:00", 1)]


def test_half_hours_of_a_zone_belong_to_the_day_that_they_began_in(database: Database, user: int) -> None:
    count(database, report({"u1": {"tuic": counters(5, 0)}}), datetime(2026, 11, 24, 18, 40, tzinfo=UTC))
    with database.read() as session:
        days = traffic.by_day(session, NOW, 2, ZoneInfo("Asia/Kolkata"))
    assert [day.up_bytes for day in days] == [5, 0]


def test_protocols_are_summed_over_users_and_for_one(database: Database) -> None:
    add(database, "Anna", "Boris")
    count(database, report({"u1": {"tuic": counters(1, 2, is_open=1)}, "u2": {"tuic": counters(10, 20, is_open=2)}}))
    with database.read() as session:
        everybody, = traffic.by_protocol(session)
        one, = traffic.by_protocol(session, 2)
    assert (everybody.protocol, everybody.up_bytes, everybody.down_bytes) == ("tuic", 11, 22)
    assert everybody.open_connections == 3
    assert (one.up_bytes, one.last_seen_at) == (10, NOW)


def seen(database: Database, user: int) -> datetime | None:
    with database.read() as session:
        return session.get_one(User, user).last_seen_at
