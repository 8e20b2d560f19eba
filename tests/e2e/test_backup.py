"""A server is backed up as it runs, lost with its machine, and put back on an empty one; old links work unchanged."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.belongings import had
from tests.e2e.deployment import SERVICES, Server, clean, healthy, names

pytestmark = pytest.mark.integration

_HAD = ("outputs", "users", "link", "alice", "first", "certificates")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("backups") / "repository")


@pytest.fixture(scope="module")
def lost(server: Server, place: str) -> Iterator[dict[str, Any]]:
    """What clients and the operator had of a server that was backed up, and whose machine is empty now."""
    server.configure(backupTarget=place)
    server.up()
    assert server.ops("users", "add", "alice", "--quota", "50GB").returncode == 0
    before = had(server)
    # Six names, and the authority between them and the root, each with its key.
    assert len(before["certificates"]) == 14
    done = server.run("make", "backup")
    assert done.returncode == 0, done.stdout
    assert "read back and whole" in done.stdout
    clean()
    snapshot = re.search(r"^Backed up e2e as (\w{8}) to ", done.stdout, re.M)
    assert snapshot
    yield before | {"key": (server.folder / ".backup-key").read_text(), "backup": f"{place}@{snapshot[1]}"}
    server.standing = None


@pytest.fixture
def empty(tmp_path: Path, lost: dict[str, Any]) -> Iterator[Server]:
    """Another machine: a fresh checkout with the copy of the key, and an engine without anything of a server."""
    made = Server(tmp_path)
    (tmp_path / ".backup-key").write_text(lost["key"])
    (tmp_path / ".backup-key").chmod(0o600)
    yield made
    clean()


def nothing_changed(server: Server) -> bool:
    return not (server.folder / ".pulumi-passphrase").exists() and not names("volume", "name=^stealth-")


def test_one_command_on_an_empty_machine_brings_the_same_server_back(
    empty: Server, lost: dict[str, Any], place: str,
) -> None:
    (empty.folder / "backup.tar.gz").symlink_to(place)
    done = empty.run("make", "restore", "FILE=backup.tar.gz")
    assert done.returncode == 0, done.stdout
    assert healthy() == set(SERVICES)
    after = had(empty)
    assert after == {key: lost[key] for key in _HAD}
    assert "No changes; " in empty.up()
    again = empty.ops("restore", place)
    assert again.returncode == 1
    assert "there is a server already" in again.stdout


def test_a_wrong_key_is_refused_before_anything_changes(empty: Server, place: str) -> None:
    (empty.folder / ".backup-key").write_text("of somebody else\n")
    done = empty.ops("restore", place)
    assert done.returncode == 1
    assert f"does not open {place}" in done.stdout
    assert nothing_changed(empty)


def test_a_backup_with_one_flipped_bit_is_refused_before_anything_changes(
    empty: Server, place: str, tmp_path_factory: pytest.TempPathFactory,
) -> None:
    damaged = Path(shutil.copytree(place, tmp_path_factory.mktemp("damaged") / "repository"))
    pack = max((file for file in (damaged / "data").rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)
    done = empty.ops("restore", str(damaged))
    assert done.returncode == 1
    assert "cannot be used" in done.stdout
    assert nothing_changed(empty)


def test_a_server_goes_back_to_its_backup_and_a_last_backup_of_it_is_kept(
    empty: Server, lost: dict[str, Any],
) -> None:
    assert empty.ops("restore", lost["backup"]).returncode == 0
    assert empty.ops("users", "add", "after").returncode == 0
    later = empty.ops("users", "link", "after").stdout.strip()
    done = empty.ops("restore", lost["backup"], "--replace")
    assert done.returncode == 0, done.stdout
    assert "Backed up e2e" in done.stdout
    assert had(empty) == {key: lost[key] for key in _HAD}
    # Whoever comes next does not get the number, and so the link, of one who is no more.
    assert empty.ops("users", "add", "next").returncode == 0
    assert empty.ops("users", "link", "next").stdout.strip() != later
    assert len(empty.ops("backup", "list").stdout.splitlines()) >= 3


@pytest.mark.long
def test_a_lost_checkout_comes_back_while_users_stay_as_they_are(
    empty: Server, lost: dict[str, Any], tmp_path_factory: pytest.TempPathFactory,
) -> None:
    assert empty.ops("restore", lost["backup"]).returncode == 0
    assert empty.ops("users", "add", "after").returncode == 0
    users = json.loads(empty.ops("users", "export").stdout)["users"]
    other = Server(tmp_path_factory.mktemp("other"))
    shutil.copy(empty.folder / ".backup-key", other.folder / ".backup-key")
    done = other.ops("restore", lost["backup"], "--keep-data")
    assert done.returncode == 0, done.stdout
    now = json.loads(other.ops("users", "export").stdout)["users"]
    assert [user["name"] for user in now] == [user["name"] for user in users]
    assert other.outputs() == lost["outputs"]
