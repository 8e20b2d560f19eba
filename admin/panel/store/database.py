"""The one place that opens the database: SQLite in the panel's own volume, or PostgreSQL by its address.

SQLite: a write-ahead log and full synchronisation, so that what was acknowledged outlives a crash
(https://sqlite.org/pragma.html#pragma_synchronous), and writers that queue up before they read.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session, sessionmaker

_BUSY_SECONDS = 15
_CONNECT_SECONDS = 10
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", f"busy_timeout = {_BUSY_SECONDS * 1000}")


class StoreError(Exception):
    """The database cannot be used; the text is one sentence for the operator and holds no secret."""


def is_busy(error: BaseException) -> bool:
    """Tell whether SQLite gave up waiting for another writer, so that nothing was done and may be tried again."""
    cause = getattr(error, "orig", None)
    return isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode & 0xff == sqlite3.SQLITE_BUSY


class Database:
    """Sessions for reading and for writing; safe to share between threads."""

    def __init__(self, url: str) -> None:
        address = make_url(url)
        self.is_sqlite = address.get_backend_name() == "sqlite"
        self.engine = create_engine(
            # Its errors reach the log, and the values of a statement may be keys and hashes of passwords.
            address, pool_pre_ping=True, hide_parameters=True,
            connect_args={} if self.is_sqlite else {"connect_timeout": _CONNECT_SECONDS})
        reading = self.engine
        if self.is_sqlite:
            _listen(self.engine)
        else:
            # A reader sees one moment of the store, as with SQLite: a revision and the users of that revision.
            reading = self.engine.execution_options(isolation_level="REPEATABLE READ")
        self._reading = sessionmaker(reading, expire_on_commit=False)
        self._writing = sessionmaker(self.engine.execution_options(is_writing=True), expire_on_commit=False)

    @property
    def file(self) -> Path | None:
        """Where SQLite keeps it; None for a store that is no file."""
        return Path(str(self.engine.url.database)) if self.is_sqlite else None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that changes nothing; what was read serves after it, too."""
        with self._reading() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session that commits at the end of the block, or not at all if the block raises."""
        with self._writing.begin() as session:
            yield session

    def on_commit(self, tell: Callable[[], None]) -> None:
        """Call tell after each commit of a writing session, in the thread that wrote."""
        event.listen(self._writing, "after_commit", lambda _: tell())

    def close(self) -> None:
        """Close every connection; SQLite then folds its log into the file."""
        self.engine.dispose()


def _listen(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _: Any) -> None:
        # SQLAlchemy itself begins transactions; sqlite3's own habit would begin them too late.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A reader that turns writer fails at once if another wrote meanwhile; a writer from the start waits its turn.
        is_writing = connection.get_execution_options().get("is_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
