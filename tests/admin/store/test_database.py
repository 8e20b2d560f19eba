import logging
import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select

from panel.background import Loop
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
