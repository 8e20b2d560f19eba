import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, make_url, select, text

from panel.store import migration, models
from panel.store.database import Database, StoreError
from panel.store.migration import migrate
from tests.admin.postgresql.server import Server

NEXT = '''
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("users", sa.Column("shoe_size", sa.Integer()))
    {fault}
'''


@pytest.fixture
def later_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Adds a migration to those of this version, which ends with the given statement."""
    folder = Path(shutil.copytree(migration.FOLDER, tmp_path / "migrations"))
    monkeypatch.setattr(migration, "FOLDER", folder)


    def write(fault: str) -> None:
        (folder / "versions/next.py").write_text(NEXT.format(fault=fault))

    return write


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def fresh_store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/fresh.db"
    started: Server = request.getfixturevalue("postgresql")
    started.run("CREATE DATABASE fresh")
    return started.url.set(database="fresh").render_as_string(hide_password=False)


def version(database: Database) -> str:
    with database.read() as session:
        return str(session.scalar(text("SELECT version_num FROM alembic_version")))


def facts(database: Database) -> dict[str, str]:
    with database.read() as session:
        return {fact.key: fact.value for fact in session.query(models.Fact)}


def columns(database: Database) -> set[str]:
    with database.read() as session:
        return {column["name"] for column in inspect(session.connection()).get_columns("users")}


def test_the_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, models.Base.metadata) == []


def test_a_store_begins_at_revision_zero_with_an_epoch_of_its_own(database: Database, tmp_path: Path) -> None:
    other = Database(f"sqlite:///{tmp_path}/other.db")
    migrate(other)
    assert facts(database)["revision"] == "0"
    assert len(facts(database)["epoch"]) == 16
    assert facts(database)["epoch"] != facts(other)["epoch"]
    other.close()


def test_a_second_start_changes_nothing(database: Database) -> None:
    before = facts(database), version(database)
    migrate(database)
    assert (facts(database), version(database)) == before


def test_a_later_version_changes_the_tables_and_keeps_what_is_in_them(
    database: Database, later_version: Callable[[str], None],
) -> None:
    before = facts(database)
    later_version("pass")
    migrate(database)
    assert version(database) == "next"
    assert "shoe_size" in columns(database)
    assert facts(database) == before


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    database: Database, later_version: Callable[[str], None],
) -> None:
    later_version('raise OSError("the machine ends")')
    with pytest.raises(OSError, match="the machine ends"):
        migrate(database)
    assert version(database) == "0002"
    assert "shoe_size" not in columns(database)


def test_before_a_change_a_copy_of_the_former_store_is_laid_beside_it(
    tmp_path: Path, empty_store: Path, later_version: Callable[[str], None],
) -> None:
    file = Path(shutil.copy(empty_store, tmp_path / "panel.db"))
    database = Database(f"sqlite:///{file}")
    before = facts(database)
    later_version("pass")
    migrate(database)
    database.close()
    with closing(sqlite3.connect(file.with_name("panel.db.before-0002"))) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert dict(copy.execute("SELECT key, value FROM facts")) == before
        assert "shoe_size" not in {row[1] for row in copy.execute("PRAGMA table_info(users)")}
    assert sorted(found.name for found in tmp_path.glob("panel.db*")) == ["panel.db", "panel.db.before-0002"]


def test_a_start_without_a_change_makes_no_copy(tmp_path: Path, empty_store: Path) -> None:
    database = Database(f"sqlite:///{shutil.copy(empty_store, tmp_path / 'panel.db')}")
    migrate(database)
    database.close()
    assert [found.name for found in tmp_path.glob("panel.db*")] == ["panel.db"]


def test_a_store_of_a_newer_version_is_refused_and_not_touched(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'f00d'"))
    with pytest.raises(StoreError, match=r"written by a newer version \(its tables are f00d.*; start that version"):
        migrate(database)
    assert version(database) == "f00d"


@pytest.mark.parametrize(("url", "reason"), [
    ("sqlite:////nowhere/panel.db", "unable to open database file"),
    ("postgresql+psycopg://panel:hunter2@127.0.0.1:1/panel", "Connection refused"),
    ("postgresql+psycopg://panel:hunter2@store.invalid/panel", "store.invalid"),
])
def test_a_store_out_of_reach_is_one_sentence_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason) as refused:
        migrate(Database(url))
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert sentence.endswith("; mend that, or correct databaseUrl.")
    assert "hunter2" not in sentence


@pytest.mark.integration
def test_a_wrong_password_is_one_sentence_without_it(postgresql: Server) -> None:
    url = make_url(postgresql.copy()).set(password="hunter2")  # noqa: S106 - the wrong one
    with pytest.raises(StoreError, match="password authentication failed") as refused:
        migrate(Database(url.render_as_string(hide_password=False)))
    assert "hunter2" not in str(refused.value)


def test_a_file_that_is_no_store_is_refused_and_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "panel.db"
    file.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(StoreError, match="file is not a database"):
        migrate(Database(f"sqlite:///{file}"))
    assert file.read_bytes() == b"Dear diary, " * 1000


def test_what_was_counted_before_there_were_hosts_is_the_only_server_s(fresh_store: str) -> None:
    database = Database(fresh_store)
    with database.write() as session:
        command.upgrade(migration.alembic_config(session.connection()), "0001")
        session.execute(text(
            "INSERT INTO users (id, name, name_key, note, search_key, is_enabled, status, closed_protocols, secrets, "
            "subscription_generation, quota_period, period_began_at, period_used_bytes, up_bytes, down_bytes, "
            "created_at, updated_at, link_read_by, revision) VALUES (1, 'a', 'a', '', 'a', true, 'active', '[]', '{}', "
            "1, 'none', :now, 5, 5, 0, :now, :now, '', 1)"), {"now": "2026-11-25 12:30:00+00"})
        session.execute(text(
            "INSERT INTO usage (user_id, protocol, up_bytes, down_bytes, open_connections, instance, counted_up_bytes, "
            "counted_down_bytes) VALUES (1, 'tuic', 5, 0, 2, 'run', 5, 0)"))
    migrate(database)
    with database.write() as session:
        (row,) = session.scalars(select(models.Usage))
        assert (row.user_id, row.host, row.protocol, row.up_bytes, row.instance) == (1, "main", "tuic", 5, "run")
        session.add(models.Usage(user_id=1, host="two", protocol="tuic"))
        session.flush()
        assert {found.host for found in session.scalars(select(models.Usage))} == {"main", "two"}
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, models.Base.metadata) == []
    database.close()
