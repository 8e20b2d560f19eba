import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from panel import PanelConfig, create_app
from panel.accounts import passwords
from panel.store.database import Database
from panel.store.migration import migrate
from tests.admin import panel_file, people, through_caddy


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bcrypt take a millisecond and not a quarter of a second."""
    monkeypatch.setattr(passwords, "COST", 4)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite store, to be copied: a migration takes longer than most tests."""
    file = tmp_path_factory.mktemp("store") / "panel.db"
    database = Database(f"sqlite:///{file}")
    migrate(database)
    database.close()
    return file


@pytest.fixture
def database(tmp_path: Path, empty_store: Path) -> Iterator[Database]:
    """An empty store of this version's tables."""
    yield from opened(empty_store, tmp_path / "panel.db")


@pytest.fixture
def second(tmp_path: Path, empty_store: Path) -> Iterator[Database]:
    """Another one."""
    yield from opened(empty_store, tmp_path / "second.db")


def opened(empty: Path, file: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{shutil.copy(empty, file)}")
    # Hundreds of tests would otherwise wait for the disk; the kill test has a store of its own.
    event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    yield database
    database.close()


@pytest.fixture
def config(tmp_path: Path) -> PanelConfig:
    return PanelConfig.load(panel_file.write(tmp_path))


@pytest.fixture
def app(config: PanelConfig, database: Database) -> Flask:
    return create_app(config, database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return through_caddy.client(app)


@pytest.fixture
def owner(app: Flask, database: Database) -> people.Browser:
    """A browser in which an owner is signed in."""
    return people.signed_in(app, database, "owner")


@pytest.fixture
def operator(app: Flask, database: Database) -> people.Browser:
    """A browser in which an operator is signed in."""
    return people.signed_in(app, database, "operator")


@pytest.fixture
def reader(app: Flask, database: Database) -> people.Browser:
    """A browser in which a reader is signed in."""
    return people.signed_in(app, database, "reader")
