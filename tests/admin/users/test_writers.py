"""Whoever writes of users waits for the others before anything else, so that none waits for another in a circle."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from panel import users
from panel.engines import accounting
from panel.engines.agent import Counters, Report
from panel.store.accounts import AuditEntry
from panel.store.database import Database
from panel.store.models import User
from panel.users import NewUser, UserChange, bulk, revisions
from panel.users.exchange import import_users
from tests.admin.users.facts import OPERATOR, SERVER

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
# No claim is about time: this is when a test that hangs ends.
PATIENCE_SECONDS = 10


def make(database: Database, *names: str, **values: Any) -> list[int]:
    with database.write() as session:
        return [users.create(session, OPERATOR, SERVER, NewUser(name=name, **values)).id for name in names]


def reports(user_ids: list[int], up: int) -> dict[str, Report]:
    return {"singbox": Report(instance="a run", users={
        f"u{user_id}": {"tuic": Counters(up=up, down=0, open=0)} for user_id in user_ids})}


def count(database: Database, user_ids: list[int], up: int = 1) -> None:
    with database.read() as session:
        found = accounting.look(session, NOW, reports(user_ids, up)).changes
    with database.write() as session:
        accounting.add(session, NOW, found)



@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, str]]]:
    """Yield each statement within transactions and its values, as they are made."""
    made: list[tuple[str, str]] = []

    def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        if not statement.startswith("BEGIN"):
            made.append((" ".join(statement.split()), str(values)))

    event.listen(database.engine, "before_cursor_execute", note)
    yield made
    event.remove(database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("write", [
    lambda session: users.start(session, SERVER),
    lambda session: users.create(session, OPERATOR, SERVER, NewUser(name="Boris")),
    lambda session: users.edit(session, OPERATOR, 1, UserChange(note="new")),
    lambda session: bulk.apply(session, OPERATOR, [1], "delete"),
    lambda session: import_users(session, OPERATOR, SERVER, '[{"name": "Boris"}]'),
    lambda session: users.roll_periods(session, NOW, ZoneInfo("UTC")),
    lambda session: users.refresh_status(session, NOW),
    lambda session: users.purge(session, 9),
], ids=["start", "create", "edit", "bulk", "import", "periods", "status", "purge"])
def test_a_writer_waits_before_it_looks(database: Database, write: Callable[[Session], object]) -> None:
    make(database, "Anna")
    with statements(database) as made, database.write() as session:
        write(session)
    assert is_lock(database, *made[0]), made[0]


def test_what_was_counted_is_added_after_the_writers_before(database: Database) -> None:
    make(database, "Anna")
    with database.read() as session:
        found = accounting.look(session, NOW, reports([1], 5)).changes
    with statements(database) as made, database.write() as session:
        accounting.add(session, NOW, found)
    assert is_lock(database, *made[0]), made[0]


def is_lock(database: Database, statement: str, values: str) -> bool:
    # SQLite's writers wait for each other as they begin; SQLAlchemy leaves its words for that out there.
    is_complete = database.is_sqlite or statement.endswith("FOR UPDATE")
    return "FROM facts WHERE facts.key" in statement.replace('"', "") and "revision" in values and is_complete


@pytest.mark.integration
def test_a_bulk_change_and_the_accountant_end_in_no_deadlock(on_postgresql: Database) -> None:
    first, second = make(on_postgresql, "Anna", "Boris")
    with ThreadPoolExecutor(1) as pool:
        with on_postgresql.write() as session:
            users.edit(session, OPERATOR, second, UserChange(note="new"))
            counting = pool.submit(count, on_postgresql, [first, second])
            wait_until(lambda: is_somebody_waiting(on_postgresql))
            users.edit(session, OPERATOR, first, UserChange(note="new"))
        counting.result(PATIENCE_SECONDS)
    with on_postgresql.read() as session:
        assert [(user.note, user.up_bytes) for user in session.scalars(select(User))] == [("new", 1)] * 2


@pytest.mark.integration
def test_who_is_deleted_while_statuses_are_looked_at_stays_deleted(on_postgresql: Database) -> None:
    user_id, = make(on_postgresql, "Anna", quota_bytes=1)
    count(on_postgresql, [user_id], up=5)
    with ThreadPoolExecutor(1) as pool:
        with on_postgresql.write() as session:
            users.delete(session, OPERATOR, user_id)
            looking = pool.submit(refresh, on_postgresql)
            wait_until(lambda: is_somebody_waiting(on_postgresql))
        assert looking.result(PATIENCE_SECONDS) == []
    with on_postgresql.read() as session:
        assert session.get_one(User, user_id).status == "deleted"
        assert list(session.scalars(select(AuditEntry.action))) == ["user.create", "user.delete"]


def test_many_writers_at_once_lose_nothing(database: Database) -> None:
    everybody, rounds, writers = make(database, *"abcdefgh"), 5, 3

    def change(seed: int) -> None:
        chance = random.Random(seed)
        for number in range(rounds):
            with database.write() as session:
                bulk.edit_all(session, OPERATOR, chance.sample(everybody, 5), UserChange(note=f"{seed} {number}"))

    def account() -> None:
        for number in range(1, rounds + 1):
            count(database, random.Random(number).sample(everybody, len(everybody)), up=number)
            refresh(database)

    with ThreadPoolExecutor(writers + 1) as pool:
        for done in [pool.submit(account), *(pool.submit(change, seed) for seed in range(writers))]:
            done.result(6 * PATIENCE_SECONDS)
    with database.read() as session:
        assert revisions.current(session) == 1 + writers * rounds
        assert {user.up_bytes for user in session.scalars(select(User))} == {rounds}


def refresh(database: Database) -> list[User]:
    with database.write() as session:
        return users.refresh_status(session, NOW)


def is_somebody_waiting(database: Database) -> bool:
    with database.read() as session:
        return bool(session.scalar(text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")))


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "it does not come to hold"
        time.sleep(0.005)
