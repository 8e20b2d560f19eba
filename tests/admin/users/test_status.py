from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from panel import users
from panel.store.accounts import AuditEntry
from panel.store.database import Database
from panel.store.models import User
from panel.users import NewUser, UserChange, revisions
from panel.users.status import period_start
from tests.admin.users.facts import OPERATOR, SERVER

NOW = datetime(2028, 2, 29, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TEHRAN = ZoneInfo("Asia/Tehran")


def make(database: Database, *, used: int = 0, began: datetime = NOW, **values: object) -> int:
    with database.write() as session:
        user = users.create(session, OPERATOR, SERVER, NewUser(name=f"user {datetime.now(UTC)}", **values))  # type: ignore[arg-type]
        user.period_used_bytes, user.period_began_at = used, began
        return user.id


def refresh(database: Database, now: datetime) -> list[tuple[int, str]]:
    with database.write() as session:
        return [(user.id, user.status) for user in users.refresh_status(session, now)]


def read(database: Database, user_id: int) -> User:
    with database.read() as session:
        return users.find(session, user_id)


@pytest.mark.parametrize(("used", "status"), [(0, "active"), (999, "active"), (1000, "limited"), (1001, "limited")])
def test_a_quota_is_used_up_when_exactly_its_bytes_are(database: Database, used: int, status: str) -> None:
    user_id = make(database, used=used, quota_bytes=1000)
    refresh(database, NOW)
    assert read(database, user_id).status == status


@pytest.mark.parametrize(("now", "status"), [(NOW - SECOND, "active"), (NOW, "expired"), (NOW + SECOND, "expired")])
def test_a_user_expires_at_the_very_moment(database: Database, now: datetime, status: str) -> None:
    user_id = make(database, expires_at=NOW)
    refresh(database, now)
    assert read(database, user_id).status == status


def test_no_limit_and_no_expiry_never_shut_out(database: Database) -> None:
    user_id = make(database, used=2**60)
    assert refresh(database, datetime(8000, 1, 1, tzinfo=UTC)) == []
    assert read(database, user_id).status == "active"


def test_what_an_operator_says_holds_at_once(database: Database) -> None:
    user_id = make(database, used=500)
    for change, status in (
        (UserChange(quota_bytes=500), "limited"), (UserChange(expires_at=datetime(2001, 1, 1, tzinfo=UTC)), "expired"),
        (UserChange(expires_at=None), "limited"), (UserChange(quota_bytes=None), "active"),
    ):
        with database.write() as session:
            assert users.edit(session, OPERATOR, user_id, change).status == status
    with database.write() as session:
        assert users.switch(session, OPERATOR, user_id, False).status == "disabled"
        users.edit(session, OPERATOR, user_id, UserChange(quota_bytes=500))
        assert users.switch(session, OPERATOR, user_id, True).status == "limited"
        assert users.reset_usage(session, OPERATOR, user_id).status == "active"


def test_a_change_of_status_is_told_once_with_one_revision_and_an_entry_for_each(database: Database) -> None:
    gone = [make(database, expires_at=NOW) for _ in range(3)]
    make(database)
    with database.read() as session:
        before = revisions.current(session)
    assert refresh(database, NOW) == [(user_id, "expired") for user_id in gone]
    assert refresh(database, NOW) == []
    assert {read(database, user_id).revision for user_id in gone} == {before + 1}
    with database.read() as session:
        assert revisions.current(session) == before + 1
        told = session.execute(select(AuditEntry.actor, AuditEntry.detail).where(AuditEntry.action == "user.status"))
        assert [tuple(entry) for entry in told] == [("panel", {"status": ["active", "expired"]})] * 3


def test_a_deleted_user_stays_so(database: Database) -> None:
    user_id = make(database, expires_at=NOW)
    with database.write() as session:
        users.delete(session, OPERATOR, user_id)
    assert refresh(database, NOW + SECOND) == []


@pytest.mark.parametrize(("period", "zone", "now", "began"), [
    ("day", "UTC", "2028-02-29T23:59:59+00:00", "2028-02-29T00:00:00+00:00"),
    ("day", "Asia/Tehran", "2028-02-29T20:29:59+00:00", "2028-02-28T20:30:00+00:00"),
    ("day", "Asia/Tehran", "2028-02-29T20:30:00+00:00", "2028-02-29T20:30:00+00:00"),
    ("week", "UTC", "2028-03-05T23:59:59+00:00", "2028-02-28T00:00:00+00:00"),
    ("week", "UTC", "2028-02-28T00:00:00+00:00", "2028-02-28T00:00:00+00:00"),
    ("month", "UTC", "2028-02-29T12:00:00+00:00", "2028-02-01T00:00:00+00:00"),
    ("month", "Asia/Shanghai", "2028-02-29T16:00:00+00:00", "2028-02-29T16:00:00+00:00"),
    ("year", "UTC", "2028-12-31T23:59:59+00:00", "2028-01-01T00:00:00+00:00"),
    ("year", "America/New_York", "2029-01-01T04:59:59+00:00", "2028-01-01T05:00:00+00:00"),
    # The clock is put forward: the day has 23 hours, and the month began by the other offset.
    ("day", "Europe/Berlin", "2028-03-26T12:00:00+00:00", "2028-03-25T23:00:00+00:00"),
    ("month", "Europe/Berlin", "2028-03-31T12:00:00+00:00", "2028-02-29T23:00:00+00:00"),
    # The clock is put back: 25 hours; at Havana midnight strikes twice, and the first counts.
    ("day", "Europe/Berlin", "2028-10-29T22:59:59+00:00", "2028-10-28T22:00:00+00:00"),
    ("day", "America/Havana", "2025-11-02T05:30:00+00:00", "2025-11-02T04:00:00+00:00"),
    # At Cairo the day begins at one, for midnight is skipped.
    ("day", "Africa/Cairo", "2025-04-25T12:00:00+00:00", "2025-04-24T22:00:00+00:00"),
])
def test_a_period_begins_by_the_zones_calendar(period: str, zone: str, now: str, began: str) -> None:
    assert period_start(period, datetime.fromisoformat(now), ZoneInfo(zone)) == datetime.fromisoformat(began)


@pytest.mark.parametrize(("period", "last", "first"), [
    ("day", NOW, NOW + timedelta(days=1)),
    ("week", datetime(2028, 3, 5, 12, tzinfo=UTC), datetime(2028, 3, 6, 12, tzinfo=UTC)),
    ("month", NOW, datetime(2028, 3, 1, 12, tzinfo=UTC)),
    ("year", datetime(2028, 12, 31, 12, tzinfo=UTC), datetime(2029, 1, 1, 12, tzinfo=UTC)),
])
def test_the_used_bytes_begin_at_zero_with_the_next_period_and_not_before(
    database: Database, period: str, last: datetime, first: datetime,
) -> None:
    user_id = make(database, used=1000, quota_bytes=1000, quota_period=period)
    for now, used, status in ((last, 1000, "limited"), (first, 0, "active")):
        with database.write() as session:
            users.roll_periods(session, now, TEHRAN)
            users.refresh_status(session, now)
        assert (read(database, user_id).period_used_bytes, read(database, user_id).status) == (used, status)
    assert read(database, user_id).period_began_at == period_start(period, first, TEHRAN)


def test_a_quota_without_period_never_begins_anew(database: Database) -> None:
    user_id = make(database, used=1000, quota_bytes=1000)
    with database.write() as session:
        users.roll_periods(session, NOW + timedelta(days=4000), TEHRAN)
    assert read(database, user_id).period_used_bytes == 1000


def test_a_panel_that_was_away_for_long_begins_the_period_that_runs(database: Database) -> None:
    user_id = make(database, used=1000, quota_period="day", began=NOW - timedelta(days=100))
    with database.write() as session:
        users.roll_periods(session, NOW, TEHRAN)
    assert read(database, user_id).period_began_at == datetime(2028, 2, 28, 20, 30, tzinfo=UTC)


def test_another_period_begins_at_zero(database: Database) -> None:
    user_id = make(database, used=1000)
    with database.write() as session:
        assert users.edit(session, OPERATOR, user_id, UserChange(quota_period="month")).period_used_bytes == 0
