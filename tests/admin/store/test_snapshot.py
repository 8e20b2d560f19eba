import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from panel import backups, drift, takeover, users
from panel.audit import PANEL, broken_at
from panel.store.accounts import SignIn
from panel.store.database import Database, StoreError
from panel.store.models import Fact, Usage, User
from panel.store.snapshot import TABLES, check, highest_user_id, take
from panel.takeover import take_over
from panel.users import NewUser, UserChange
from tests.admin import panel_file, people

SNAPSHOT = Path("admin/snapshot.py").resolve()


def rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as session:
        return {table.name: sorted(map(tuple, session.execute(table.select())), key=repr) for table in TABLES}


def filled(database: Database) -> None:
    with database.write() as session:
        for name in ("alice", "bob", "مریم"):
            user = users.create(session, PANEL, None, NewUser(name=name))
            session.add(Usage(user_id=user.id, protocol="tuic", up_bytes=5_000_000_000, down_bytes=7))
        gone = users.create(session, PANEL, None, NewUser(name="gone"))
        users.purge(session, users.delete(session, PANEL, gone.id).revision)
    people.begin(database, people.add(database, "admin"), "0" * 64)


def opened(file: Path) -> Database:
    return Database(f"sqlite:///{file}")


def test_a_copy_holds_every_row_and_is_one_file(database: Database, tmp_path: Path) -> None:
    filled(database)
    take(database, tmp_path / "copy.db")
    copy = opened(tmp_path / "copy.db")
    assert rows(copy) == rows(database)
    assert len(rows(copy)["users"]) == 3
    with copy.read() as session, database.read() as original:
        assert highest_user_id(session) == highest_user_id(original) == 4
    copy.close()
    assert [file.name for file in tmp_path.glob("copy.db*")] == ["copy.db"]


@pytest.mark.parametrize("copies", [10, pytest.param(100, marks=[pytest.mark.integration, pytest.mark.long])])
def test_each_of_many_copies_under_writes_is_one_moment(
    database: Database, tmp_path: Path, copies: int,
) -> None:
    """Each write changes two users at once, so that half a write would be seen."""
    with database.write() as session:
        pair = [users.create(session, PANEL, None, NewUser(name=name)).id for name in ("left", "right")]
    stopped = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not stopped.wait(0.02):
            written += 1
            with database.write() as session:
                for user_id in pair:
                    users.edit(session, PANEL, user_id, UserChange(note=f"note {written}"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen: list[str] = []
        for number in range(copies):
            file = tmp_path / f"copy{number}.db"
            take(database, file)
            copy = opened(file)
            with copy.read() as session:
                notes = {session.get_one(User, user_id).note for user_id in pair}
                assert broken_at(session) is None
            copy.close()
            assert len(notes) == 1
            seen += notes
    finally:
        stopped.set()
        writer.join()
    assert len(set(seen)) > 1


def test_a_damaged_copy_is_refused(database: Database, tmp_path: Path) -> None:
    filled(database)
    file = tmp_path / "copy.db"
    take(database, file)
    raw = bytearray(file.read_bytes())
    raw[4096 * 3:4096 * 9] = bytes(4096 * 6)
    file.write_bytes(raw)
    with pytest.raises(StoreError, match=r"^The panel's store is damaged \(.+\); restore a backup from before\.$"):
        check(file)


@pytest.mark.parametrize("content", [b"", b"Dear diary, " * 1000])
def test_what_is_no_store_is_no_copy_of_one(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "copy.db"
    file.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        check(file)


def damage(file: Path) -> None:
    """Bring a value into a store that its tables forbid, as a fault of the disk might."""
    with closing(sqlite3.connect(file, isolation_level=None)) as store:
        sql = store.execute("SELECT sql FROM sqlite_master WHERE name = 'facts'").fetchone()[0]
        store.execute("PRAGMA writable_schema = ON")
        set_sql = "UPDATE sqlite_master SET sql = ? WHERE name = 'facts'"
        store.execute(set_sql, (sql.replace("value TEXT NOT NULL", "value TEXT"),))
        store.execute("PRAGMA writable_schema = RESET")
        store.execute("INSERT INTO facts (key, value) VALUES ('bad', NULL)")
        store.execute("PRAGMA writable_schema = ON")
        store.execute(set_sql, (sql,))


def test_a_store_that_is_damaged_gives_no_copy(tmp_path: Path, empty_store: Path) -> None:
    shutil.copy(empty_store, tmp_path / "panel.db")
    damage(tmp_path / "panel.db")
    database = Database(f"sqlite:///{tmp_path}/panel.db")
    with pytest.raises(StoreError, match=r"^The panel's store is damaged \(NULL value in facts"):
        take(database, tmp_path / "copy.db")
    database.close()


def restored(database: Database, folder: Path, url: str) -> Database:
    take(database, folder / takeover.NAME)
    take_over(url, folder)
    assert list(folder.glob(f"{takeover.NAME}*")) == []
    return Database(url)


def test_a_store_that_takes_a_copy_over_has_its_rows_and_not_its_own(
    database: Database, new_store: Callable[[], str], tmp_path: Path,
) -> None:
    filled(database)
    url = new_store()
    other = Database(url)
    with other.write() as session:
        users.create(session, PANEL, None, NewUser(name="stranger"))
    other.close()
    store = restored(database, tmp_path, url)
    before, after = rows(database), rows(store)
    for name in ("users", "usage", "traffic_hours", "accounts", "tokens"):
        assert after[name] == before[name]
    assert after["audit"][:-1] == before["audit"]
    with store.read() as session:
        assert broken_at(session) is None
        assert session.execute(text("SELECT action FROM audit ORDER BY id DESC LIMIT 1")).scalar() == "store.restore"
    store.close()


def test_what_the_server_has_outlived_does_not_come_back(
    database: Database, new_store: Callable[[], str], tmp_path: Path,
) -> None:
    filled(database)
    store = restored(database, tmp_path, new_store())
    with database.read() as before, store.read() as after:
        assert before.query(SignIn).count() == 1
        assert after.query(SignIn).count() == 0
        assert after.get_one(Fact, "epoch").value != before.get_one(Fact, "epoch").value
        assert after.get_one(Fact, "revision").value == before.get_one(Fact, "revision").value
    store.close()


@pytest.mark.parametrize("is_scheduled", [True, False])
def test_a_restored_server_has_no_backup_yet_and_is_expected_to_get_one(
    database: Database, new_store: Callable[[], str], tmp_path: Path, is_scheduled: bool,
) -> None:
    filled(database)
    if is_scheduled:
        with database.write() as session:
            backups.note(session, datetime(2026, 1, 1, tzinfo=UTC), is_scheduled=True, size_bytes=5)
    store = restored(database, tmp_path, new_store())
    with store.read() as session:
        backup = backups.last(session)
    store.close()
    assert backup is not None
    assert (backup.made_at, backup.size_bytes, backup.is_scheduled) == (None, 0, is_scheduled)
    assert not backup.is_overdue(datetime.now(UTC)), "it counts from the restore"


def test_drift_of_the_server_that_a_copy_is_of_is_not_taken_over(
    database: Database, new_store: Callable[[], str], tmp_path: Path,
) -> None:
    filled(database)
    with database.write() as session:
        drift.note(session, datetime(2026, 1, 1, tzinfo=UTC), ["service xray"])
    store = restored(database, tmp_path, new_store())
    with store.read() as session:
        assert drift.last(session) is None
    store.close()


def test_no_id_is_given_again_however_often_a_copy_is_taken_over(
    database: Database, new_store: Callable[[], str], tmp_path: Path,
) -> None:
    """A link is made of an id, so whoever got one of a user that is gone would have it for the next."""
    filled(database)
    take(database, tmp_path / "kept.db")
    ids = []
    for _ in range(3):
        shutil.copy(tmp_path / "kept.db", tmp_path / takeover.NAME)
        url = new_store()
        take_over(url, tmp_path)
        store = Database(url)
        with store.write() as session:
            ids.append(users.create(session, PANEL, None, NewUser(name="new")).id)
        store.close()
    assert min(ids) > 1 << 39
    assert min(abs(one - other) for one in ids for other in ids if one != other) > 1_000_000
    assert len(set(ids)) == 3


def test_after_a_takeover_new_rows_get_free_numbers(
    database: Database, new_store: Callable[[], str], tmp_path: Path,
) -> None:
    filled(database)
    store = restored(database, tmp_path, new_store())
    people.add(store, "second")
    with store.write() as session:
        users.create(session, PANEL, None, NewUser(name="new"))
    store.close()


def test_a_takeover_that_is_killed_before_its_end_is_made_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled(database)
    take(database, tmp_path / takeover.NAME)
    url = f"sqlite:///{tmp_path}/panel.db"
    with monkeypatch.context() as patched:
        patched.setattr(takeover, "_put", lambda *_: sys.exit(1))
        with pytest.raises(SystemExit):
            take_over(url, tmp_path)
    take_over(url, tmp_path)
    store = Database(url)
    assert rows(store)["users"] == rows(database)["users"]
    store.close()


def test_a_damaged_copy_is_not_taken_over(tmp_path: Path, empty_store: Path) -> None:
    shutil.copy(empty_store, tmp_path / takeover.NAME)
    damage(tmp_path / takeover.NAME)
    place = tmp_path / "panel.db"
    place.write_bytes(empty_store.read_bytes())
    with pytest.raises(StoreError, match=r"^The panel's store is damaged \(NULL value in facts"):
        take_over(f"sqlite:///{place}", tmp_path)
    assert place.read_bytes() == empty_store.read_bytes()


def test_without_a_copy_nothing_happens(tmp_path: Path) -> None:
    take_over(f"sqlite:///{tmp_path}/panel.db", tmp_path)
    assert list(tmp_path.iterdir()) == []


def printed(folder: Path) -> subprocess.CompletedProcess[bytes]:
    file = panel_file.write(folder, databaseUrl=f"sqlite:///{folder}/panel.db")
    return subprocess.run([sys.executable, SNAPSHOT, file, folder], capture_output=True, check=False, timeout=60)


def test_the_program_prints_size_and_copy_and_leaves_nothing(tmp_path: Path, empty_store: Path) -> None:
    (tmp_path / "panel.db").write_bytes(empty_store.read_bytes())
    # Left by one that was killed.
    (tmp_path / "snapshot.db").write_bytes(b"half a copy")
    done = printed(tmp_path)
    size, _, content = done.stdout.partition(b"\n")
    assert (done.returncode, int(size)) == (0, len(content))
    assert not (tmp_path / "snapshot.db").exists()
    (tmp_path / "got.db").write_bytes(content)
    with closing(sqlite3.connect(tmp_path / "got.db")) as copy:
        assert dict(copy.execute("SELECT key, value FROM facts"))["revision"] == "0"


def test_the_program_says_in_one_sentence_that_a_store_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "panel.db").write_bytes(b"Dear diary, " * 1000)
    done = printed(tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().count("\n") == 1
    assert done.stderr.decode().startswith("The panel's store")
