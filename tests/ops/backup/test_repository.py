"""Restic itself, on a folder and on real servers of S3 and SFTP."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import psutil
import pytest

from ops.backup import repository
from ops.backup.repository import Repository
from ops.errors import OperatorError
from tests.s3 import bucket, build, serving

pytestmark = pytest.mark.integration

CONTENT = os.urandom(300_000)
_START_SECONDS = 30


def write(stream: IO[bytes]) -> None:
    stream.write(CONTENT)


def made(place: Repository) -> Repository:
    place.make(lambda _: None)
    return place


def content(place: Repository, snapshot: str) -> bytes:
    with place.reading(snapshot) as stream:
        return stream.read()


@pytest.fixture
def local(tmp_path: Path) -> Repository:
    return made(Repository(address=str(tmp_path / "repository"), key_file=tmp_path / "key"))


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("rclone"))


@pytest.fixture
def s3(rclone: Path, tmp_path: Path) -> Iterator[Repository]:
    with bucket(rclone, tmp_path) as (port, credentials):
        yield Repository(address=f"s3:http://127.0.0.1:{port}/bucket/vpn", key_file=tmp_path / "key",
                         credentials_file=credentials)


@pytest.fixture
def sftp(rclone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """A server that takes one key; ssh is told of it by a wrapper, as an operator tells it in ~/.ssh/config."""
    (tmp_path / "sftp").mkdir()
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    with serving(rclone, "serve", "sftp", "--addr", "127.0.0.1:PORT", "--key", tmp_path / "host",
                 "--authorized-keys", tmp_path / "client.pub", "--user", "backup", tmp_path / "sftp") as port:
        host = (tmp_path / "host.pub").read_text().rsplit(" ", 1)[0]
        (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {host}\n")
        wrapper = tmp_path / "bin" / "ssh"
        wrapper.parent.mkdir()
        wrapper.write_text(f"#!/bin/sh\nexec {shutil.which('ssh')} -F none -i {tmp_path}/client "
                           f"-o UserKnownHostsFile={tmp_path}/known \"$@\"\n")
        wrapper.chmod(0o755)
        monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
        yield Repository(address=f"sftp://backup@127.0.0.1:{port}//vpn", key_file=tmp_path / "key")


@pytest.mark.parametrize("kind", ["local", "s3", "sftp"])
def test_what_is_stored_is_read_listed_and_forgotten(kind: str, request: pytest.FixtureRequest) -> None:
    place: Repository = made(request.getfixturevalue(kind))
    first = place.store("local", write)
    other = place.store("prod", write)
    second = place.store("local", write)
    assert content(place, first) == CONTENT
    assert [item.id for item in place.snapshots("local")] == [first, second]
    assert {item.size_bytes for item in place.snapshots()} == {len(CONTENT)}
    assert place.forget("local", {"last": 1}) == 1
    assert [item.id for item in place.snapshots()] == [other, second]
    assert content(place, second) == CONTENT


def test_an_s3_server_that_wants_other_keys_is_told_in_one_sentence(
    s3: Repository, monkeypatch: pytest.MonkeyPatch,
) -> None:
    made(s3)
    monkeypatch.setattr(repository, "_OPEN_SECONDS", 3)
    assert s3.credentials_file
    s3.credentials_file.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    with pytest.raises(OperatorError, match=r"^s3:.* in 3 s of trying: Stat: The Access Key .*\. Look at [^\n]+$"):
        s3.open()


def test_what_stops_in_the_middle_is_no_backup(local: Repository) -> None:
    def fail(stream: IO[bytes]) -> None:
        stream.write(CONTENT)
        stream.flush()
        raise OperatorError("the panel has gone")

    with pytest.raises(OperatorError, match=r"^the panel has gone$"):
        local.store("local", fail)
    assert local.snapshots() == []
    assert not list((Path(local.address) / "locks").iterdir())
    assert content(local, local.store("local", write)) == CONTENT


def test_a_backup_whose_command_is_killed_is_none(local: Repository) -> None:
    code = f"""
import sys, time
from pathlib import Path
from ops.backup.repository import Repository
def write(stream):
    stream.write(bytes(300_000))
    stream.flush()
    print("half", flush=True)
    time.sleep(60)
Repository(address={local.address!r}, key_file=Path({str(local.key_file)!r})).store("local", write)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as command:
        assert command.stdout
        assert command.stdout.readline() == b"half\n"
        command.kill()
    end = time.monotonic() + _START_SECONDS
    while is_at_work(local):
        assert time.monotonic() < end, "restic went on"
        time.sleep(0.05)
    assert local.snapshots() == []


def is_at_work(place: Repository) -> bool:
    return any(process.info["name"] == "restic" and place.address in (process.info["cmdline"] or [])
               for process in psutil.process_iter(["name", "cmdline"]))


def test_the_key_is_made_once_and_for_its_owner(local: Repository) -> None:
    key = local.key_file.read_text()
    made(local)
    assert local.key_file.read_text() == key
    assert local.key_file.stat().st_mode & 0o777 == 0o600
    assert len(key) > 40


def test_a_missing_key_is_not_made_anew_where_there_are_backups(local: Repository) -> None:
    local.key_file.rename(local.key_file.with_name("elsewhere"))
    with pytest.raises(OperatorError, match=r"holds backups already, but .*key is missing"):
        made(local)
    with pytest.raises(OperatorError, match=r"key is missing, .* Put the copy of it there"):
        local.open()
    assert not list(local.key_file.parent.glob("key*"))


def test_a_wrong_key_and_a_place_without_backups_are_told_apart(local: Repository, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="holds no backups"):
        Repository(address=str(tmp_path / "nothing"), key_file=local.key_file).open()
    local.key_file.write_text("of somebody else\n")
    with pytest.raises(OperatorError, match="does not open"):
        local.open()


def test_a_key_that_others_may_read_is_refused(local: Repository) -> None:
    local.key_file.chmod(0o644)
    with pytest.raises(OperatorError, match=r"is open to others\. Run `chmod 600"):
        local.open()


@pytest.mark.parametrize("damage", [
    lambda text: text[:40] + bytes([text[40] ^ 1]) + text[41:], lambda text: text[:len(text) // 2], lambda _: b""])
def test_damage_is_found_when_a_backup_is_read(local: Repository, damage: Callable[[bytes], bytes]) -> None:
    snapshot = local.store("local", write)
    for file in (Path(local.address) / "data").rglob("*"):
        if file.is_file():
            file.chmod(0o600)
            file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(OperatorError, match="cannot be used"):
        content(local, snapshot)


def test_no_secret_is_on_a_command_line_or_in_an_environment(
    local: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = shutil.which("restic")
    wrapper = tmp_path / "bin" / "restic"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\n{{ echo "$@"; env; }} >>{tmp_path}/said\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("RESTIC_REPOSITORY", "/of/the/operator")
    local.store("local", write)
    said = (tmp_path / "said").read_text()
    assert local.key_file.read_text().strip() not in said
    assert "/of/the/operator" not in said


def test_the_lock_of_a_killed_run_is_in_nobody_s_way(local: Repository) -> None:
    local.store("local", write)
    words = ["restic", "--no-cache", "--repo", local.address, "backup", "--stdin"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          env=os.environ | {"RESTIC_PASSWORD_FILE": str(local.key_file)}) as process:
        end = time.monotonic() + _START_SECONDS
        while not list((Path(local.address) / "locks").iterdir()):
            assert time.monotonic() < end, "restic takes no lock"
            time.sleep(0.05)
        process.kill()
    local.store("local", write)
    assert local.forget("local", {"last": 1}) == 1
    assert not list((Path(local.address) / "locks").iterdir())
