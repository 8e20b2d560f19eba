from datetime import UTC, datetime, timedelta

import pytest

from panel import drift
from panel.drift import Drift
from panel.store.database import Database
from tests.admin.api.conftest import Api

NOW = datetime(2026, 11, 30, 4, 40, tzinfo=UTC)


def note(database: Database, now: datetime, *subjects: str) -> Drift | None:
    with database.write() as session:
        drift.note(session, now, subjects)
    with database.read() as session:
        return drift.last(session)


def test_what_was_found_is_kept_with_when_it_was_found_first_until_a_look_finds_nothing(database: Database) -> None:
    assert note(database, NOW) is None
    assert note(database, NOW, "service xray") == Drift(found_at=NOW, subjects=("service xray",))
    later = NOW + timedelta(days=1)
    assert note(database, later, "service xray", "network stealth-vpn") == Drift(
        found_at=NOW, subjects=("service xray", "network stealth-vpn"))
    assert note(database, later) is None
    assert note(database, later, "service xray") == Drift(found_at=later, subjects=("service xray",))


def test_ops_tells_of_a_look_and_the_overview_shows_it(api: Api) -> None:
    assert api("GET", "/overview")["drift"] is None
    api("PUT", "/drift", {"subjects": ["service xray"]}, status=204)
    found = api("GET", "/overview")["drift"]
    assert found["subjects"] == ["service xray"]
    age = datetime.now(UTC) - datetime.fromisoformat(found["found_at"])
    assert timedelta() <= age < timedelta(minutes=5)
    api("PUT", "/drift", {"subjects": []}, status=204)
    assert api("GET", "/overview")["drift"] is None


@pytest.mark.parametrize("body", [
    {}, {"subjects": None}, {"subjects": "service xray"}, {"subjects": [""]}, {"subjects": ["x" * 201]},
    {"subjects": ["service xray"] * 51}, {"subjects": [7]}, {"subjects": [], "found_at": "2099-01-01T00:00:00Z"}])
def test_what_is_no_note_of_a_look_is_refused(api: Api, body: dict[str, object]) -> None:
    api("PUT", "/drift", body, status=422)
    assert api("GET", "/overview")["drift"] is None
