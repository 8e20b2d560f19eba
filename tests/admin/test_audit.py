import contextlib
import json
from datetime import timedelta

import pytest
from sqlalchemy import delete, text, update

from panel import audit
from panel.accounts.sessions import StoredSessions
from panel.accounts.upkeep import Upkeep
from panel.audit import Actor
from panel.config import PanelConfig
from panel.store.accounts import AuditEntry
from panel.store.database import Database

ANN = Actor(name="ann", address="203.0.113.7")


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as session:
        for number in range(5):
            audit.record(session, ANN, "user.create", f"user {number}", quota=number, note="100% _sure_")
    return database


def broken(database: Database) -> int | None:
    with database.read() as session:
        return audit.broken_at(session)


def test_a_whole_chain_is_whole(filled: Database) -> None:
    assert broken(filled) is None


@pytest.mark.parametrize("column", ["actor", "address", "action", "target", "previous_hash", "hash"])
def test_a_changed_entry_is_found(filled: Database, column: str) -> None:
    with filled.write() as session:
        session.execute(update(AuditEntry).where(AuditEntry.id == 3).values({column: "x"}))
    assert broken(filled) in (3, 4)


def test_changed_details_and_times_are_found(filled: Database) -> None:
    with filled.write() as session:
        session.get_one(AuditEntry, 4).detail = {"quota": 0}
    assert broken(filled) == 4
    with filled.write() as session:
        session.get_one(AuditEntry, 2).at += timedelta(seconds=1)
    assert broken(filled) == 2


@pytest.mark.parametrize("number", [1, 3])
def test_a_removed_entry_is_found(filled: Database, number: int) -> None:
    with filled.write() as session:
        session.execute(delete(AuditEntry).where(AuditEntry.id == number))
    assert broken(filled) == number + 1


def test_an_entry_goes_with_what_it_tells_of(filled: Database) -> None:
    with contextlib.suppress(RuntimeError), filled.write() as session:
        audit.record(session, ANN, "user.delete", "user 1")
        raise RuntimeError
    with filled.read() as session:
        assert audit.head(session)[0] == 5


def test_no_text_makes_a_line_of_its_own_or_is_too_long(database: Database) -> None:
    with database.write() as session:
        loud = Actor(name="a\r\nb" * 40, address="x" * 99)
        audit.record(session, loud, "user.create", "c\u2028d\x00" * 99, said="e\nf")
    with database.read() as session:
        entry = session.get_one(AuditEntry, 1)
        lines = list(audit.export(session))
    assert (len(entry.actor), len(entry.address), len(entry.target)) == (96, 64, 128)
    assert entry.actor.startswith("a\\x0d\\x0ab")
    assert entry.target.startswith("c\\x2028d\\x00")
    assert [line.count("\n") for line in lines] == [1]
    assert broken(database) is None


def test_the_export_holds_all_that_the_hashes_are_made_of(filled: Database) -> None:
    with filled.read() as session:
        entries = [json.loads(line) for line in audit.export(session)]
    assert [entry["id"] for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry["previousHash"] for entry in entries[1:]] == [entry["hash"] for entry in entries[:-1]]
    assert entries[2]["detail"] == {"quota": 2, "note": "100% _sure_"}


@pytest.mark.parametrize(("words", "found"), [
    ("", 5), ("USER.create", 5), ("user ann", 5), ("3", 5), ("203.0.113.7", 5), ("nobody", 0), ("100% _sure_", 5),
    ("%", 5), ("_", 5), ("x%", 0), ("user\0", 0), ("'; DROP TABLE audit; --", 0),
])
def test_entries_are_found_by_words(filled: Database, words: str, found: int) -> None:
    with filled.read() as session:
        assert audit.search(session, words).total == found


def test_pages_begin_with_the_newest(filled: Database) -> None:
    with filled.read() as session:
        first, last, beyond = (audit.search(session, number=number, size=2) for number in (1, 3, 99))
    assert [entry.id for entry in first.entries] == [5, 4]
    assert ([entry.id for entry in last.entries], last.pages, last.total) == ([1], 3, 5)
    assert beyond.number == 3


def test_upkeep_says_that_the_log_was_changed(
    filled: Database, config: PanelConfig, caplog: pytest.LogCaptureFixture,
) -> None:
    upkeep = Upkeep(filled, StoredSessions(config, filled))
    assert upkeep.step() > 0
    assert upkeep.audit_broken_at is None
    with filled.write() as session:
        session.execute(text("UPDATE audit SET target = 'x' WHERE id = 3"))
    again = Upkeep(filled, StoredSessions(config, filled))
    again.step()
    assert again.audit_broken_at == 3
    assert "at or before its entry 3" in caplog.text
