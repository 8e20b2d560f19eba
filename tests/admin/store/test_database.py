import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection, connect

import pytest
from sqlalchemy import insert, select

from panel import background
from panel.background import Loop
from panel.store import database as database_module
from panel.store.database import Database
from panel.store.models import User

SECRET = "only-the-user-may-know-this"  # noqa: S105 - of the tests
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def row(user_id: int) -> dict[str, object]:
    return {"id": user_id, "name": "Anna", "name_key": "anna", "search_key": "anna", "secrets": {"vless": SECRET},
            "period_began_at": NOW, "created_at": NOW, "updated_at": NOW, "revision": 1}


def test_a_statement_that_fails_tells_the_log_no_values(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    failed = threading.Event()

    def step() -> float:
        try:
            with database.write() as session:
                session.execute(insert(User), [row(1), row(2)])
        finally:
            failed.set()
        return 0

    loop = Loop("a test", step)
    with caplog.at_level(logging.DEBUG):
        loop.start()
        assert failed.wait(10)
        loop.stop()
        loop.join(10)
    assert "INSERT INTO users" in caplog.text, "the name of two users is a fault"
    assert SECRET not in caplog.text
    with database.read() as session:
        assert session.scalars(select(User)).all() == []


@pytest.fixture
def held(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Database, Connection]]:
    """A store, and the connection of an import that holds it for longer than others wait."""
    monkeypatch.setattr(database_module, "_PRAGMAS", ("journal_mode = WAL", "busy_timeout = 10"))
    monkeypatch.setattr(background, "_BUSY_PAUSE_SECONDS", 0.01)
    file = shutil.copy(empty_store, tmp_path / "held.db")
    store = Database(f"sqlite:///{file}")
    with closing(connect(file, isolation_level=None, check_same_thread=False)) as holding:
        holding.execute("BEGIN IMMEDIATE")
        yield store, holding
    store.close()


def test_a_step_that_waits_too_long_for_another_writer_is_taken_again_and_is_no_fault(
    held: tuple[Database, Connection], caplog: pytest.LogCaptureFixture,
) -> None:
    (store, holding), tries, done = held, 0, threading.Event()

    def step() -> float:
        nonlocal tries
        tries += 1
        if tries == 3:
            holding.execute("ROLLBACK")
        with store.write() as session:
            session.execute(insert(User), [row(1)])
        done.set()
        return 99

    loop = Loop("a test", step)
    with caplog.at_level(logging.INFO):
        loop.start()
        assert done.wait(10)
        loop.stop()
        loop.join(10)
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO"]
    with store.read() as session:
        assert session.scalars(select(User.name)).all() == ["Anna"]


def test_a_store_that_stays_locked_is_a_fault_in_the_end(
    held: tuple[Database, Connection], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "_FAULT_PAUSE_SECONDS", 0.01)
    store, _ = held
    failed = threading.Event()
    caplog.set_level(logging.INFO)

    def step() -> float:
        if any(record.levelname == "ERROR" for record in caplog.records):
            failed.set()
            return 99
        with store.write() as session:
            session.execute(insert(User), [row(1)])
        return 0

    loop = Loop("a test", step)
    loop.start()
    assert failed.wait(10)
    loop.stop()
    loop.join(10)
    assert [record.levelname for record in caplog.records] == ["INFO"] * 3 + ["ERROR"]
