"""What is found of Pulumi's state, of the files that open it, and of backups."""

import json
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops import unfinished
from ops.backup import places
from ops.backup.repository import Repository, Snapshot
from ops.errors import OperatorError
from ops.locks import Lock
from ops.operations.doctor import backups
from ops.schedule import BACKUP, Job
from ops.stack import Stack
from ops.target import Target
from ops.update import journal
from tests.ops.operations.fakes import FakeEngine
from tests.ops.test_stack import dead_pid

PENDING = {"deployment": {"pending_operations": [{"resource": {"urn": "urn:pulumi:x::y::z::stealth-xray"}}]}}


def lock(pid: int, machine: str, hours_ago: float = 0) -> Lock:
    return Lock(place="s3://bucket/one.json", pid=pid, machine=machine, user="deploy",
                made_at=time.time() - hours_ago * 3600)


@pytest.fixture
def state(well: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets a question to the stack be answered otherwise."""
    def answer(name: str, what: Any) -> None:
        def asked(*_: object) -> Any:
            if isinstance(what, Exception):
                raise what
            return what
        monkeypatch.setattr(Stack, name, asked)
    return answer


def test_a_lock_of_a_dead_run_is_found_and_one_of_a_living_run_is_not(state: Any, found: Any) -> None:
    state("locks", [lock(dead_pid(), socket.gethostname())])
    (first,) = found()
    assert (first["name"], first["repairable"]) == ("state-locked", True)
    state("locks", [lock(1, socket.gethostname())])
    assert found() == []
    state("locks", [lock(1, "elsewhere")])
    assert found() == []


def test_a_lock_of_another_machine_that_is_older_than_any_deploy_is_found(state: Any, found: Any) -> None:
    state("locks", [lock(7, "runner", hours_ago=2)])
    (first,) = found()
    assert "locked by process 7 of deploy@runner since " in first["fault"]
    assert first["fix"].startswith("toolchain/run.sh pulumi cancel --yes --stack local, if ")
    assert not first["repairable"]


def test_a_lock_that_cannot_be_read_is_found(state: Any, found: Any) -> None:
    state("locks", [lock(0, "")])
    (first,) = found()
    assert (first["fix"], first["repairable"]) == ("pulumi cancel", False)


def test_work_that_was_cut_short_is_found(state: Any, found: Any) -> None:
    state("has_pending_operations", True)
    state("export", json.dumps(PENDING))
    (first,) = found()
    assert (first["name"], first["fault"]) == (
        "state-half-done", "A former run was killed while it changed stealth-xray.")


def test_a_state_that_is_not_here_is_found(state: Any, found: Any) -> None:
    state("is_made", False)
    assert [item["name"] for item in found()] == ["state-missing"]


@pytest.mark.parametrize(("there", "error", "name"), [
    (False, OperatorError("`pulumi stack export` failed: no such file"), "passphrase-missing"),
    (True, OperatorError("`pulumi stack export` failed: incorrect passphrase"), "passphrase-wrong"),
    (True, OperatorError("`pulumi stack export` failed: disk error"), "state-damaged"),
    (True, ValueError("no JSON"), "state-damaged")])
def test_a_state_that_cannot_be_opened_is_found_with_the_reason(
    state: Any, found: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, name: str, *,
    there: bool,
) -> None:
    file = tmp_path / "passphrase"
    if there:
        file.write_text("word")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(file))
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    state("export", error)
    assert [item["name"] for item in found()] == [name]


def test_a_file_that_others_may_read_is_found(state: Any, found: Any, tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text("word")
    file.chmod(0o640)
    state("private_files", [file, tmp_path / "not-there"])
    (first,) = found()
    assert (first["name"], first["fix"]) == ("file-open", f"chmod 600 {file}")


def test_a_configuration_that_cannot_be_read_is_found(found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(_: str) -> Target:
        raise OperatorError("Pulumi.local.yaml is no YAML (line 3).")
    monkeypatch.setattr(Target, "read", unreadable)
    (first,) = found()
    assert (first["name"], first["fault"]) == ("configuration-unreadable", "Pulumi.local.yaml is no YAML (line 3).")


def made(hours_ago: float) -> Snapshot:
    return Snapshot(id="0a", stack="local", made_at=datetime.now(UTC) - timedelta(hours=hours_ago), size_bytes=1)


@pytest.mark.parametrize(("snapshots", "is_daily", "names"), [
    ([made(30), made(3)], True, []), ([made(30)], True, ["backup-old"]), ([], True, ["backup-missing"]),
    ([made(30)], False, []), ([made(300)], False, ["backup-old"]), ([], False, []),
    (OperatorError("nothing there"), True, ["backup-unreadable"]), (OperatorError("nothing there"), False, [])])
def test_an_old_backup_is_found_where_there_should_be_a_new_one(
    well: FakeEngine, found: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    snapshots: list[Snapshot] | OperatorError, names: list[str], *, is_daily: bool,
) -> None:
    def listed(*_: object) -> list[Snapshot]:
        if isinstance(snapshots, OperatorError):
            raise snapshots
        return snapshots
    key = tmp_path / "key"
    key.write_text("key")
    monkeypatch.setattr(backups, "BACKUP_KEY", key)
    monkeypatch.setattr(Job, "stands", lambda job, _: job is BACKUP and is_daily)
    monkeypatch.setattr(places, "configured", lambda _: Repository(address="backups", key_file=key))
    monkeypatch.setattr(Repository, "open", lambda _: None)
    monkeypatch.setattr(Repository, "snapshots", listed)
    assert [item["name"] for item in found()] == names


def test_an_update_that_did_not_end_is_found(well: FakeEngine, found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "unfinished", lambda _: "An update was interrupted.")
    (first,) = found()
    assert (first["name"], first["fix"]) == ("update-unfinished", "ops update --continue")


def test_a_restore_that_did_not_end_is_found(
    well: FakeEngine, found: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    monkeypatch.setattr(unfinished, "LOG_FOLDER", tmp_path / "logs")
    asked = unfinished.Asked(where="/backups@latest", engine="", keeps_data=False)
    unfinished.Mark("local").write(unfinished.Begun(
        asked=asked, address="/backups", credentials_file="", snapshot="0123", docker_host="unix:///run/docker.sock"))
    (first,) = found()
    assert (first["name"], first["fix"]) == ("restore-unfinished", "ops restore /backups@latest")
