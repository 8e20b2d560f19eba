"""A copy of the whole store as it was at one moment, made while the panel runs: one SQLite file, whatever the store is.

SQLite makes it by VACUUM INTO, which reads in one transaction and never the file itself
(https://sqlite.org/lang_vacuum.html#vacuuminto). PostgreSQL's rows are read in one transaction that sees one moment
(https://www.postgresql.org/docs/current/transaction-iso.html), so that a copy can be taken over by either database, and
no client program of just the server's version is needed.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import delete, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

# All tables are registered by the modules that hold them.
from . import accounts, alerts  # noqa: F401
from .database import Database, StoreError
from .migration import migrate
from .models import Base, User

_ROWS = 1000
TABLES = Base.metadata.sorted_tables


def take(database: Database, file: Path) -> None:
    """Write the copy to file, which must not exist; raises StoreError if what was copied is damaged."""
    try:
        if database.file:
            with closing(sqlite3.connect(database.file)) as source:
                source.execute("VACUUM INTO ?", (str(file),))
        else:
            _take_rows(database, file)
    except (sqlite3.Error, DBAPIError) as error:
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        raise StoreError(f"The panel's store cannot be copied ({reason}); look at `df` and at its log.") from None
    check(file)


def check(file: Path) -> None:
    """Refuse a file that SQLite finds damaged, or that is no store."""
    try:
        with closing(sqlite3.connect(file)) as copy:
            found = copy.execute("PRAGMA integrity_check").fetchone()[0]
            copy.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise StoreError(f"The panel's store is damaged ({found}); restore a backup from before.")


def copy_rows(source: Session, target: Session) -> None:
    """Put all rows of the source in place of the target's."""
    for table in reversed(TABLES):
        target.execute(delete(table))
    for table in TABLES:
        rows = source.execute(select(table), execution_options={"yield_per": _ROWS}).mappings()
        for part in rows.partitions():
            target.execute(insert(table), [dict(row) for row in part])


def highest_user_id(session: Session) -> int:
    """Return the highest id that was ever given to a user, also to one who is gone."""
    if session.get_bind().dialect.name == "sqlite":
        return session.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'users'")) or 0
    last = session.scalar(text("SELECT last_value FROM pg_sequences WHERE sequencename = "
                               "replace(pg_get_serial_sequence('users', 'id'), 'public.', '')"))
    return last or 0


def set_highest_user_id(session: Session, highest: int) -> None:
    """Let the next user's id be one more."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("DELETE FROM sqlite_sequence WHERE name = 'users'"))
        session.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES ('users', :seq)"), {"seq": highest})
    else:
        session.execute(text("SELECT setval(pg_get_serial_sequence('users', 'id'), :seq)"), {"seq": highest})


def _take_rows(database: Database, file: Path) -> None:
    copy = Database(f"sqlite:///{file}")
    try:
        migrate(copy)
        with database.read() as source, copy.write() as target:
            copy_rows(source, target)
            set_highest_user_id(target, highest_user_id(source))
    finally:
        # It folds its log into the file.
        copy.close()


def next_ids(session: Session) -> None:
    """Let PostgreSQL number new rows after those that were put there with their numbers."""
    for table in TABLES:
        column = table.autoincrement_column
        if column is None or table is User.__table__:
            continue
        session.execute(text(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), "  # noqa: S608 - names of ours
            f"GREATEST((SELECT max({column.name}) FROM {table.name}), 1))"))
