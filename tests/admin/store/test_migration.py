from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from panel.store import models
from panel.store.database import Database, StoreError
from panel.store.migration import migrate


def version(database: Database) -> str:
    with database.read() as session:
        return str(session.scalar(text("SELECT version_num FROM alembic_version")))


def facts(database: Database) -> dict[str, str]:
    with database.read() as session:
        return {fact.key: fact.value for fact in session.query(models.Fact)}


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


def test_a_store_of_a_newer_version_is_refused_and_not_touched(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'f00d'"))
    with pytest.raises(StoreError, match=r"written by a newer version \(its tables are f00d.*; start that version"):
        migrate(database)
    assert version(database) == "f00d"
