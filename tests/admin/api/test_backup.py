from datetime import UTC, datetime, timedelta

import pytest

from panel import backups
from panel.backups import Backup
from panel.store.database import Database
from tests.admin.api.conftest import Api

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def note(database: Database, now: datetime, *, is_scheduled: bool, size_bytes: int | None = None) -> Backup | None:
    with database.write() as session:
        backups.note(session, now, is_scheduled=is_scheduled, size_bytes=size_bytes)
    with database.read() as session:
        return backups.last(session)


def test_of_a_server_that_nobody_backs_up_nothing_is_known(database: Database) -> None:
    with database.read() as session:
        assert backups.last(session) is None


def test_a_backup_and_a_schedule_are_known_and_neither_forgets_the_other(database: Database) -> None:
    assert note(database, NOW, is_scheduled=True) == Backup(
        made_at=None, size_bytes=0, is_scheduled=True, expected_since=NOW)
    later = NOW + timedelta(hours=1)
    made = note(database, later, is_scheduled=True, size_bytes=7)
    assert made == Backup(made_at=later, size_bytes=7, is_scheduled=True, expected_since=NOW)
    assert note(database, NOW + timedelta(hours=2), is_scheduled=False) == Backup(
        made_at=later, size_bytes=7, is_scheduled=False, expected_since=NOW)


def test_a_schedule_that_is_taken_back_before_its_first_backup_leaves_nothing(database: Database) -> None:
    note(database, NOW, is_scheduled=True)
    assert note(database, NOW, is_scheduled=False) is None


def test_ops_tells_of_a_backup_and_the_overview_shows_it(api: Api) -> None:
    assert api("GET", "/overview")["backup"] is None
    api("PUT", "/backup", {"is_scheduled": True, "size_bytes": 5_000_000_000}, status=204)
    backup = api("GET", "/overview")["backup"]
    assert (backup["size_bytes"], backup["is_scheduled"]) == (5_000_000_000, True)
    age = datetime.now(UTC) - datetime.fromisoformat(backup["made_at"])
    assert timedelta() <= age < timedelta(minutes=5)


@pytest.mark.parametrize("body", [
    {}, {"is_scheduled": True, "size_bytes": -1}, {"is_scheduled": True, "size_bytes": 2**61},
    {"is_scheduled": True, "made_at": "2099-01-01T00:00:00Z"}])
def test_what_is_no_note_of_a_backup_is_refused(api: Api, body: dict[str, object]) -> None:
    api("PUT", "/backup", body, status=422)
    assert api("GET", "/overview")["backup"] is None
