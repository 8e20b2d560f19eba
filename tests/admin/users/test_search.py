from datetime import UTC, datetime, timedelta

import pytest

from panel import users
from panel.store.database import Database
from panel.users import NewUser, UserQuery
from panel.users.search import Sort
from tests.admin.users.facts import OPERATOR, SERVER

NOW = datetime(2026, 5, 6, tzinfo=UTC)


@pytest.fixture
def filled(database: Database) -> Database:
    people = {"Bob": "pays 100% in cash", "alice": "Straße 5", "Zoë": "friend of BOB", "علی": "", "иван": "_"}
    with database.write() as session:
        for day, (name, note) in enumerate(people.items()):
            user = users.create(session, OPERATOR, SERVER, NewUser(
                name=name, note=note, expires_at=None if day == 1 else NOW + timedelta(days=1000 - day)))
            user.created_at, user.period_used_bytes, user.up_bytes = NOW + timedelta(days=day), day % 3, 9 - day
            user.last_seen_at = NOW + timedelta(days=day) if day < 3 else None
    return database


def found(database: Database, query: UserQuery) -> list[str]:
    with database.read() as session:
        return [user.name for user in users.search(session, query).users]


@pytest.mark.parametrize(("text", "names"), [
    ("", ["alice", "Bob", "Zoë", "иван", "علی"]),
    ("bob", ["Bob", "Zoë"]),
    ("  BOB ", ["Bob", "Zoë"]),
    ("ZOE\u0308", ["Zoë"]),
    ("STRASSE", ["alice"]),
    ("ИВАН", ["иван"]),
    ("عل", ["علی"]),
    ("100%", ["Bob"]),
    ("%", ["Bob"]),
    ("_", ["иван"]),
    ("\\", []),
    ("' OR 1=1 --", []),
    ("alice\nstra", ["alice"]),
    ("b\0ob\ud800", ["Bob", "Zoë"]),
])
def test_a_search_looks_through_names_and_notes_whatever_their_case(
    filled: Database, text: str, names: list[str],
) -> None:
    assert found(filled, UserQuery(text=text)) == names


@pytest.mark.parametrize(("sort", "first", "last"), [
    ("name", "alice", "علی"), ("created", "Bob", "иван"), ("expires", "иван", "alice"), ("used", "Bob", "Zoë"),
    ("traffic", "иван", "Bob"), ("seen", "Bob", "иван"),
])
def test_users_are_sorted_and_those_without_a_value_come_last(
    filled: Database, sort: Sort, first: str, last: str,
) -> None:
    names = found(filled, UserQuery(sort=sort))
    assert (names[0], names[-1]) == (first, last)


@pytest.mark.parametrize("sort", ["expires", "seen"])
def test_in_the_other_order_they_come_last_as_well(filled: Database, sort: Sort) -> None:
    up, down = (found(filled, UserQuery(sort=sort, descending=descending)) for descending in (False, True))
    without = {"expires": 1, "seen": 2}[sort]
    assert down[:-without] == up[:-without][::-1]
    assert set(down[-without:]) == set(up[-without:])


def test_pages_hold_everybody_once(filled: Database) -> None:
    names = [found(filled, UserQuery(sort="used", page=page, size=2)) for page in (1, 2, 3)]
    assert [len(page) for page in names] == [2, 2, 1]
    assert len({name for page in names for name in page}) == 5
    with filled.read() as session:
        beyond = users.search(session, UserQuery(page=99, size=2))
        assert (beyond.number, beyond.pages, beyond.total, len(beyond.users)) == (3, 3, 5, 1)
        assert len(users.search(session, UserQuery(page=-1, size=-1)).users) == 1


def test_only_those_of_a_status_and_no_deleted_ones(filled: Database) -> None:
    with filled.write() as session:
        users.switch(session, OPERATOR, 1, False)
        users.delete(session, OPERATOR, 2)
    assert found(filled, UserQuery(status="disabled")) == ["Bob"]
    assert found(filled, UserQuery()) == ["Bob", "Zoë", "иван", "علی"]
    assert found(filled, UserQuery(status="deleted")) == []


def test_a_name_finds_its_user_whatever_its_case(filled: Database) -> None:
    with filled.read() as session:
        for name, expected in (("BOB", 1), ("zoe\u0308", 3), ("bo", None)):
            user = users.by_name(session, name)
            assert (user.id if user else None) == expected
