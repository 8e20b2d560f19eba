"""A server whose state lies in a real S3 bucket: everything that works with a folder works there, for two checkouts."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import s3
from tests.e2e.belongings import certificates
from tests.e2e.deployment import MACHINE, STACK, Server, clean, healthy, ids, refuse_beside_another_server

pytestmark = pytest.mark.integration

_SHARED = (f"Pulumi.{STACK}.yaml", ".pulumi-passphrase", ".pulumi-backend")
"""What a team has in common: the first of it in git, the passphrase where it keeps its secrets."""

_KEPT_BY_PULUMI = ("stacks", "history", "backups", "locks", "meta.yaml")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a bucket, and its folder; this process and its children may use it."""
    folder = tmp_path_factory.mktemp("state")
    with s3.bucket(s3.build(folder), folder) as (port, credentials), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
        yield (f"s3://bucket/vpn?endpoint=http://127.0.0.1:{port}&region=us-east-1&s3ForcePathStyle=true",
               folder / "s3" / "bucket")


def checkout(folder: Path, address: str, backups: Path) -> Server:
    """Return a checkout that has its state at that address, and nothing else of a server yet."""
    made = Server(folder)
    made.configure(mode="minimal", backupTarget=str(backups))
    (folder / ".pulumi-backend").write_text(f"{address}\n")
    return made


@pytest.fixture(scope="module")
def backups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("backups") / "repository"


@pytest.fixture(scope="module")
def first(state: tuple[str, Path], backups: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A deployed server."""
    refuse_beside_another_server()
    clean()
    made = checkout(tmp_path_factory.mktemp("first"), state[0], backups)
    try:
        made.up()
        yield made
    finally:
        clean()


@pytest.fixture
def second(first: Server, tmp_path: Path) -> Server:
    """Another checkout, such as a pipeline's, that shares the state."""
    made = Server(tmp_path)
    for name in _SHARED:
        shutil.copy(first.folder / name, tmp_path / name)
    return made


def test_the_state_is_in_the_bucket_alone_and_a_second_deploy_changes_nothing(
    first: Server, state: tuple[str, Path],
) -> None:
    assert "No changes; 2 containers healthy" in first.up()
    assert (state[1] / "vpn" / ".pulumi" / "stacks" / "stealth-vpn" / f"{STACK}.json").exists()
    assert not [name for name in _KEPT_BY_PULUMI if (first.folder / ".pulumi" / name).exists()]
    assert not list((state[1] / "vpn" / ".pulumi" / "locks").rglob("*.json"))


def test_another_checkout_sees_the_same_server(first: Server, second: Server) -> None:
    assert second.outputs() == first.outputs()
    assert "No changes; 2 containers healthy" in second.up()
    for words in (("status",), ("preview",), ("validate",), ("verify", "--beside", MACHINE), ("drift",), ("rotate",)):
        done = second.ops(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}"
    found = second.ops("doctor").stdout
    assert "the state" not in found.lower(), found


def test_a_rotation_by_one_is_known_to_the_other_and_lost_by_neither(first: Server, second: Server) -> None:
    before = first.outputs()["panelUrl"]
    done = first.ops("rotate", "panel-path", "--yes")
    assert done.returncode == 0, done.stdout
    assert first.outputs()["panelUrl"] != before
    refused = second.ops("up")
    assert (refused.returncode, "later values of panel-path" in refused.stdout) == (1, True), refused.stdout
    shutil.copy(first.folder / _SHARED[0], second.folder / _SHARED[0])
    assert "No changes" in second.up()


def test_a_killed_deploy_is_finished_by_the_same_command(first: Server) -> None:
    assert first.pulumi("config", "set", "logMaxSize", "17m").returncode == 0
    before = ids()
    process = first.start("python", "-m", "ops", "up")
    assert process.stdout
    # The first replacement is under way.
    next(line for line in process.stdout if " deleted " in line)
    for child in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
        os.kill(child.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    done = first.ops("up")
    assert done.returncode == 0, done.stdout
    assert "A former run was ended by force; its lock is taken away." in done.stdout
    assert healthy() == {"admin", "caddy"}
    assert set(ids().values()).isdisjoint(before.values())
    assert first.pulumi("preview", "--expect-no-changes").returncode == 0


def test_a_lost_server_is_put_back_into_a_state_in_a_bucket(
    first: Server, state: tuple[str, Path], backups: Path, tmp_path: Path,
) -> None:
    had, outputs = certificates(), first.outputs()
    done = first.ops("backup")
    assert done.returncode == 0, done.stdout
    clean()
    fresh = Server(tmp_path)
    shutil.copy(first.folder / ".backup-key", tmp_path)
    # The former state is lost with the machine.
    (tmp_path / ".pulumi-backend").write_text(state[0].replace("bucket/vpn", "bucket/restored"))
    done = fresh.ops("restore", str(backups))
    assert done.returncode == 0, done.stdout
    assert (certificates(), fresh.outputs()) == (had, outputs)
    assert "No changes; 2 containers healthy" in fresh.up()
    assert fresh.ops("down").returncode == 0
    assert not ids()
