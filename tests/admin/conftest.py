import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import event
from werkzeug.serving import make_server

from panel import PanelConfig, create_app
from panel.accounts import passwords
from panel.store.database import Database
from panel.store.migration import migrate
from tests.admin import panel_file, people, through_caddy
from tests.admin.postgresql import server
from toolchain import translations

# What is above them asks the store through the same functions, whichever it is.
_NEAR_THE_STORE = {"accounts", "api", "engines", "store", "users", "test_audit.py"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to the long run what repeats with PostgreSQL a test that is not of the store."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.path.relative_to(here).parts[0] not in _NEAR_THE_STORE \
                and "postgresql" in item.name:
            item.add_marker(pytest.mark.long)


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bcrypt take a millisecond and not a quarter of a second."""
    monkeypatch.setattr(passwords, "COST", 4)


@pytest.fixture(scope="session", autouse=True)
def languages() -> None:
    """Compile the catalogs, as the image does."""
    translations.compile_all()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite store, to be copied: a migration takes longer than most tests."""
    file = tmp_path_factory.mktemp("store") / "panel.db"
    database = Database(f"sqlite:///{file}")
    migrate(database)
    database.close()
    return file


@pytest.fixture(scope="package")
def postgresql() -> Iterator[server.Server]:
    """A real PostgreSQL server, which is gone before other tests restart the engine."""
    with server.serve() as started:
        yield started


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes an empty store of this version's tables with each call, and returns its address."""
    if request.param == "postgresql":
        started: server.Server = request.getfixturevalue("postgresql")
        return started.copy
    empty = request.getfixturevalue("empty_store")
    numbers = count(1)
    return lambda: f"sqlite:///{shutil.copy(empty, tmp_path / f'panel{next(numbers)}.db')}"


@pytest.fixture
def database(new_store: Callable[[], str]) -> Iterator[Database]:
    """An empty store of this version's tables; what tests it is run again with PostgreSQL, as integration."""
    yield from opened(new_store())


@pytest.fixture
def second(new_store: Callable[[], str]) -> Iterator[Database]:
    """Another one."""
    yield from opened(new_store())


@pytest.fixture
def on_postgresql(postgresql: server.Server) -> Iterator[Database]:
    """An empty store whose writers are not one after the other by themselves."""
    yield from opened(postgresql.copy())


def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    if database.is_sqlite:
        # Hundreds of tests would otherwise wait for the disk; the kill test has a store of its own.
        event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    yield database
    database.close()


@pytest.fixture
def config(tmp_path: Path) -> PanelConfig:
    return PanelConfig.load(panel_file.write(tmp_path))


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates that another test's application has compiled already."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(config: PanelConfig, database: Database, compiled_templates: FileSystemBytecodeCache) -> Flask:
    made = create_app(config, database)
    made.jinja_env.bytecode_cache = compiled_templates
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return through_caddy.client(app)


@pytest.fixture
def served_file(app: Flask, tmp_path: Path) -> Iterator[Path]:
    """panel.json of a panel that is being served."""
    server = make_server("127.0.0.1", 0, app)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    (tmp_path / "served").mkdir()
    yield panel_file.write(tmp_path / "served", port=server.server_port)
    server.shutdown()
    server.server_close()


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
