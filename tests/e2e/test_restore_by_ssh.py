"""A server whose users lie in PostgreSQL, and whose certificates are an authority's, put back on an engine by ssh."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from panel.store.database import Database
from panel.store.models import User
from tests.admin.postgresql import server as postgresql
from tests.e2e import pebble
from tests.e2e.belongings import had
from tests.e2e.deployment import NAMES, SERVICES, Server, clean, healthy
from tests.e2e.outside import ORIGIN_ADDRESS, Outside
from tests.integration.ssh import SshServer, ssh_server

pytestmark = pytest.mark.integration

DAY_SECONDS = 86_400
# Paths of Pebble's own, by which a client makes an account and orders a certificate.
ORDER, ACCOUNT = "/order-plz", "/sign-me-up"


@pytest.fixture
def database(beyond: Outside) -> Iterator[postgresql.Server]:
    """PostgreSQL beyond the server, where its containers reach it."""
    with postgresql.serve(publish=ORIGIN_ADDRESS) as started:
        yield started


@pytest.fixture
def by_ssh(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("ssh")) as server:
        monkeypatch.setenv("PATH", f"{server.let_every_ssh_know()}:{os.environ['PATH']}")
        yield server


def names_in(url: str) -> set[str]:
    store = Database(url)
    try:
        with store.read() as session:
            return set(session.scalars(select(User.name)))
    finally:
        store.close()


@pytest.mark.long
def test_users_of_postgresql_and_an_authority_s_certificates_come_back_by_ssh(
    server: Server, database: postgresql.Server, by_ssh: SshServer, tmp_path: Path,
) -> None:
    place, url = tmp_path / "repository", database.copy()
    name = url.rpartition("/")[2]
    with pebble.pebble(90 * DAY_SECONDS) as roots:
        (server.folder / "roots.pem").write_text(roots)
        server.configure(
            backupTarget=str(place), tls="acme", acmeDirectory=pebble.DIRECTORY, tlsRootFile="roots.pem")
        there = url.replace(f"@{database.url.host}:", f"@{ORIGIN_ADDRESS}:")
        assert server.pulumi("config", "set", "--secret", "databaseUrl", there).returncode == 0
        try:
            server.up()
            assert server.ops("users", "add", "alice", "--quota", "50GB").returncode == 0
            before, asked = had(server), (pebble.asked(ORDER), pebble.asked(ACCOUNT))
            assert asked == (len(NAMES), 1)
            assert server.ops("backup").returncode == 0
        finally:
            clean()
            server.standing = None
            server.configure()
        # The machine of the database is lost too: an empty one is at its address.
        database.run(f"DROP DATABASE {name} WITH (FORCE)")
        database.run(f"CREATE DATABASE {name} TEMPLATE empty")
        fresh = Server(tmp_path / "fresh")
        shutil.copy(server.folder / ".backup-key", fresh.folder / ".backup-key")
        try:
            done = fresh.ops("restore", str(place), "--engine", by_ssh.address)
            assert done.returncode == 0, done.stdout
            assert healthy() == set(SERVICES)
            assert had(fresh) == before
            assert (pebble.asked(ORDER), pebble.asked(ACCOUNT)) == asked, "nothing was ordered anew"
            assert by_ssh.address in (fresh.folder / "Pulumi.e2e.yaml").read_text()
            assert names_in(url) == {user["name"] for user in before["users"]}, "and not in the panel's volume"
        finally:
            clean()
