"""A real PostgreSQL server in a container, with a fresh database for each test."""

import secrets
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

from panel.store.database import Database
from panel.store.migration import migrate

IMAGE = "stealth-vpn/test-postgresql:local"
PORT = 5432
# Building the image fetches some 60 MB of packages.
_BUILD_SECONDS = 300
_START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A server with a migrated database, of which each test gets a copy."""

    url: URL
    numbers: Iterator[int]

    def copy(self) -> str:
        """Make another database with the panel's tables; return its address."""
        name = f"panel{next(self.numbers)}"
        # For so small a database half the time of the other strategy.
        self.run(f"CREATE DATABASE {name} TEMPLATE empty STRATEGY FILE_COPY")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def run(self, statement: str) -> None:
        """Run one statement outside of transactions and of the panel's databases."""
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@contextmanager
def serve(publish: str = "", settings: Sequence[str] = ()) -> Iterator[Server]:
    """Start a server, also at that address of this machine; it ends with the block, and its data with it.

    `settings` are PostgreSQL's own, such as fsync=on: without them it is quick rather than safe.
    """
    subprocess.run(["docker", "build", "--quiet", "--tag", IMAGE, str(Path(__file__).parent)],
                   check=True, capture_output=True, timeout=_BUILD_SECONDS)
    password = secrets.token_urlsafe(12)
    container = subprocess.run(
        ["docker", "create", "--interactive", "--rm", *(["--publish", f"{publish}:{PORT}:{PORT}"] if publish else []),
         IMAGE, *(word for setting in settings for word in ("-c", setting))],
        check=True, capture_output=True, text=True).stdout.strip()
    # The password is its input, for command lines and environments are open to everybody.
    with subprocess.Popen(["docker", "start", "--attach", "--interactive", container], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as attached:
        try:
            assert attached.stdin
            attached.stdin.write(password.encode())
            attached.stdin.close()
            yield _prepared(_url(container, password))
        finally:
            subprocess.run(["docker", "rm", "--force", container], check=True, capture_output=True)


def _url(container: str, password: str) -> URL:
    deadline = time.monotonic() + _START_SECONDS
    while not (address := subprocess.run(
            ["docker", "inspect", "--format", "{{.NetworkSettings.IPAddress}}", container],
            check=True, capture_output=True, text=True).stdout.strip()):
        assert time.monotonic() < deadline, "the container has no address"
        time.sleep(0.1)
    url = make_url("postgresql+psycopg://").set(
        username="panel", password=password, host=address, port=PORT, database="postgres")
    while not _answers(url):
        assert time.monotonic() < deadline, "PostgreSQL does not answer"
        time.sleep(0.2)
    return url


def _answers(url: URL) -> bool:
    engine = create_engine(url, connect_args={"connect_timeout": 2})
    try:
        with engine.connect():
            return True
    except OperationalError:
        return False
    finally:
        engine.dispose()


def _prepared(url: URL) -> Server:
    server = Server(url, count(1))
    server.run("CREATE DATABASE empty")
    database = Database(url.set(database="empty").render_as_string(hide_password=False))
    migrate(database)
    database.close()
    return server
