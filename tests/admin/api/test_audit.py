from sqlalchemy import update

from panel import audit
from panel.store.accounts import AuditEntry
from panel.store.database import Database
from tests.admin.api.conftest import Api

ANN = audit.Actor(name="ann", address="203.0.113.7")


def fill(database: Database, count: int) -> None:
    with database.write() as session:
        audit.record_each(session, ANN, "user.edit", ((f"user{number} (u{number})", {}) for number in range(count)))


def test_entries_come_in_pages_the_newest_first(api: Api, database: Database) -> None:
    fill(database, 5)
    first, last = (api("GET", f"/audit?page={page}&page_size=2") for page in (1, 3))
    assert [entry["target"] for entry in first["entries"]] == ["user4 (u4)", "user3 (u3)"]
    assert (first["total"], first["page"], first["pages"]) == (5, 1, 3)
    assert [entry["target"] for entry in last["entries"]] == ["user0 (u0)"]
    assert last["entries"][0]["previous_hash"] == "0" * 64
    assert first["entries"][0]["previous_hash"] == first["entries"][1]["hash"]


def test_words_are_looked_for(api: Api, database: Database) -> None:
    fill(database, 3)
    assert [entry["id"] for entry in api("GET", "/audit?search=ann+user2")["entries"]] == [3]
    assert api("GET", "/audit?search=%00")["total"] == 0


def test_a_changed_entry_breaks_the_chain_from_there_on(api: Api, database: Database) -> None:
    fill(database, 3)
    whole = api("GET", "/audit/verification")
    assert (whole["entries"], whole["broken_at"]) == (3, None)
    assert whole["last_hash"] == api("GET", "/audit?page_size=1")["entries"][0]["hash"]
    with database.write() as session:
        session.execute(update(AuditEntry).where(AuditEntry.id == 2).values(actor="bob"))
    assert api("GET", "/audit/verification")["broken_at"] == 2
