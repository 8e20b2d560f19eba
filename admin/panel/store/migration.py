"""Brings the database to the tables of this version, at each start, in one transaction.

Before an older SQLite store is changed, a copy of it is laid beside it. PostgreSQL is the operator's own to copy.
"""

import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from .database import Database, StoreError
from .models import Fact

FOLDER = Path(__file__).parent / "migrations"
# Any number will do, as long as nothing else here takes the same lock.
_LOCK = 0x6D696772


def migrate(database: Database) -> None:
    """Make or change the tables; raises StoreError if the store is newer than this version, or out of reach."""
    with database.write() as session:
        connection = _connect(session, database)
        if not database.is_sqlite:
            # SQLite's one writer is alone anyway.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if not _is_current(connection, database):
            command.upgrade(alembic_config(connection), "head")
        if session.get(Fact, "epoch") is None:
            session.add_all([Fact(key="epoch", value=secrets.token_hex(8)), Fact(key="revision", value="0")])


def head() -> str:
    """Return the tables that this version makes."""
    return str(ScriptDirectory(str(FOLDER)).get_current_head())


def is_known(revision: str) -> bool:
    """Tell whether this version knows those tables."""
    try:
        ScriptDirectory(str(FOLDER)).get_revision(revision)
    except CommandError:
        return False
    return True


def revision(database: Database) -> str | None:
    """Return the tables that a store has, None for a new one; raises StoreError if it is out of reach."""
    with database.read() as session:
        return MigrationContext.configure(_connect(session, database)).get_current_revision()


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration for the migrations of this package, on that connection."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _connect(session: Session, database: Database) -> Connection:
    try:
        return session.connection()
    except DatabaseError as error:
        url = database.engine.url.render_as_string(hide_password=True)
        reason = str(error.orig).splitlines()[0]
        raise StoreError(
            f"The panel's store {url} cannot be opened ({reason}); mend that, or correct databaseUrl.") from None


def _is_current(connection: Connection, database: Database) -> bool:
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None or found == head():
        return found is not None
    if not is_known(found):
        raise StoreError(
            f"The panel's store was written by a newer version (its tables are {found}, this version knows up to "
            f"{head()}); start that version again, or restore a copy from before it.")
    if database.file:
        _copy(database.file, found)
    return False


def _copy(file: Path, revision: str) -> None:
    """Lay a copy beside file, complete or not at all; this connection has not changed anything yet."""
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
    part.rename(file.with_name(f"{file.name}.before-{revision}"))
