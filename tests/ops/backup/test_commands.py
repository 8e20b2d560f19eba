"""The commands' own order of things; what they do to a server is tried in tests/e2e/test_backup.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ops import unfinished
from ops.backup import commands, room, tool
from ops.backup.repository import Repository, Snapshot
from ops.backup.restoring import Restore
from ops.cli import main
from ops.docker import Engine
from ops.errors import OperatorError
from ops.panel import Panel
from ops.schedule import Job
from ops.stack import Stack
from ops.unfinished import Begun, Mark

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What was done to a server, in order; restic, Docker and Pulumi stay out of it."""
    said: list[str] = []
    found = [Snapshot(id="1a2b3c4d", stack="local", made_at=NOW - timedelta(hours=30), size_bytes=5_000_000)]
    monkeypatch.setattr(tool, "bring", lambda: None)
    monkeypatch.setattr(Repository, "open", lambda _: None)
    monkeypatch.setattr(Repository, "snapshots", lambda *_: found)
    monkeypatch.setattr(Engine, "version", lambda _: "28")
    monkeypatch.setattr(Stack, "prepare", lambda _: said.append("prepare"))
    monkeypatch.setattr(Stack, "has_resources", lambda _: False)
    monkeypatch.setattr(room, "look", lambda _: [])
    monkeypatch.setattr(room, "clear", lambda *_: said.append("clear"))
    monkeypatch.setattr(room, "serves", lambda *_: False)
    monkeypatch.setattr(commands, "make", lambda _, forgets: said.append("forget" if forgets else "backup"))
    monkeypatch.setattr(main.commands["up"], "callback", lambda **_: said.append("up"))
    monkeypatch.setattr(unfinished, "LOG_FOLDER", tmp_path / ".pulumi" / "logs")
    return said


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours handles it."""


def die(**_: object) -> None:
    raise Killed


class Found:
    """A backup that was read; each of its parts is told when it is put back."""

    docker_host = "unix:///nowhere.sock"

    def __init__(self, said: list[str], failing: str = "", *, killed: str = "") -> None:
        self._said, self._failing, self._killed = said, failing, killed

    def refuse_other_passphrase(self) -> None:
        pass

    def put_files(self) -> None:
        self._put("files")

    def put_state(self, _: Stack, __: str) -> None:
        self._put("state")

    def put_volumes(self, _: Engine) -> None:
        self._put("volumes")

    def _put(self, part: str) -> None:
        if part == self._failing:
            raise OperatorError("no space left on device")
        self._said.append(part)
        if part == self._killed:
            raise Killed


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def reads(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    monkeypatch.setattr(Restore, "read", lambda *_: found)


def test_a_restore_puts_everything_back_and_deploys(monkeypatch: pytest.MonkeyPatch, done: list[str]) -> None:
    reads(monkeypatch, Found(done))
    assert run("restore").exit_code == 0
    assert done == ["clear", "files", "prepare", "state", "volumes", "up"]


def test_nothing_is_touched_before_all_of_a_backup_was_read(monkeypatch: pytest.MonkeyPatch, done: list[str]) -> None:
    def fail(*_: object) -> Restore:
        raise OperatorError("the backup is damaged")

    monkeypatch.setattr(Restore, "read", fail)
    for words in ([], ["--replace"], ["--keep-data"]):
        assert run("restore", *words).exit_code == 1
    assert done == []


@contextmanager
def a_server_is_there(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    thing = room.Thing(kind="volume", name="stealth-admin-data", stack="local")
    with monkeypatch.context() as patched:
        patched.setattr(room, "look", lambda _: [thing])
        yield


@pytest.mark.parametrize(("words", "expected"), [
    ([], []),
    (["--replace"], ["backup", "clear", "files", "prepare", "state", "volumes", "up"]),
    (["--replace", "--without-backup"], ["clear", "files", "prepare", "state", "volumes", "up"]),
    (["--keep-data"], ["clear", "files", "prepare", "state", "up"])])
def test_a_server_that_is_there_is_treated_as_was_said(
    monkeypatch: pytest.MonkeyPatch, done: list[str], words: list[str], expected: list[str],
) -> None:
    reads(monkeypatch, Found(done))
    with a_server_is_there(monkeypatch):
        assert (run("restore", *words).exit_code == 0) is bool(expected)
    assert done == expected


def test_a_restore_that_stops_in_the_middle_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, done: list[str]) -> None:
    reads(monkeypatch, Found(done, "volumes"))
    result = run("restore")
    assert result.exit_code == 1
    assert "no space left on device\nThe restore has begun" in result.output
    assert "run the same command again" in result.output
    assert "up" not in done


@contextmanager
def killed(monkeypatch: pytest.MonkeyPatch, done: list[str], part: str, *words: str) -> Iterator[None]:
    """Kill a restore after a part of it was put back, and leave what it had made on the engine."""
    with monkeypatch.context() as patched:
        reads(patched, Found(done, killed=part))
        with pytest.raises(Killed):
            run("restore", *words)
    done.clear()
    reads(monkeypatch, Found(done))
    with a_server_is_there(monkeypatch):
        yield


ALL = ["clear", "files", "prepare", "state", "volumes", "up"]


@pytest.mark.parametrize("words", [[], ["--replace", "--without-backup"], ["--replace"]])
@pytest.mark.parametrize("part", ["files", "volumes"])
def test_a_killed_restore_is_finished_by_the_same_command_and_no_part_of_it_is_backed_up(
    monkeypatch: pytest.MonkeyPatch, done: list[str], part: str, words: list[str],
) -> None:
    with killed(monkeypatch, done, part, *words):
        assert run("restore", *words).exit_code == 0
    assert done == ALL


def test_a_server_that_still_runs_after_a_kill_is_a_server_and_no_part_of_one(
    monkeypatch: pytest.MonkeyPatch, done: list[str],
) -> None:
    with killed(monkeypatch, done, "files"):
        monkeypatch.setattr(room, "serves", lambda *_: True)
        assert run("restore").exit_code == 1
        assert done == []
        assert run("restore", "--replace").exit_code == 0
    assert done == ["backup", *ALL]


def test_what_is_on_another_engine_than_the_killed_restore_went_to_is_no_part_of_it(
    monkeypatch: pytest.MonkeyPatch, done: list[str],
) -> None:
    with killed(monkeypatch, done, "files"):
        assert run("restore", "--engine", "ssh://root@elsewhere").exit_code == 1
    assert done == []


def test_latest_is_what_it_was_when_the_killed_restore_began(monkeypatch: pytest.MonkeyPatch, done: list[str]) -> None:
    later = [Snapshot(id=name, stack="local", made_at=NOW - timedelta(hours=hours), size_bytes=1)
             for name, hours in (("1a2b3c4d", 30), ("5e6f7a8b", 1))]
    with killed(monkeypatch, done, "files"):
        monkeypatch.setattr(Repository, "snapshots", lambda *_: later)
        assert "Reading the backup 1a2b3c4d" in run("restore").output
    # Once it is complete, the word has its usual meaning again.
    Mark("local").clear()
    assert "Reading the backup 5e6f7a8b" in run("restore").output


def test_a_restore_killed_in_its_deploy_goes_on_with_that_and_takes_nothing_away(
    monkeypatch: pytest.MonkeyPatch, done: list[str],
) -> None:
    with monkeypatch.context() as patched:
        reads(patched, Found(done))
        patched.setattr(main.commands["up"], "callback", die)
        with pytest.raises(Killed):
            run("restore")
    done.clear()
    with a_server_is_there(monkeypatch):
        assert run("restore").exit_code == 0
        assert done == ["up"]
        assert run("restore", "1a2b3c4d").exit_code == 1, "another command is another restore"


def test_no_deploy_makes_a_server_of_a_part_of_one(
    monkeypatch: pytest.MonkeyPatch, done: list[str], tmp_path: Path,
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(unfinished, "LOG_FOLDER", tmp_path / ".pulumi" / "logs")
    asked = unfinished.Asked(where="/backups@latest", engine="ssh://root@new", keeps_data=False)
    begun = Begun(asked=asked, address="/backups", credentials_file="", snapshot="1a2b3c4d", docker_host="ssh://root@new")
    Mark("local").write(begun)
    for command in ("up", "build", "rebuild"):
        said = run(command)
        assert said.exit_code == 1
        assert "Run `ops restore /backups@latest --engine ssh://root@new` again" in said.output


def test_a_last_backup_removes_none_for_one_of_them_is_to_be_restored(
    monkeypatch: pytest.MonkeyPatch, done: list[str],
) -> None:
    reads(monkeypatch, Found(done))
    with a_server_is_there(monkeypatch):
        run("restore", "--replace")
    assert "forget" not in done
    assert "backup" in done


def test_a_panel_that_cannot_be_told_of_a_backup_does_not_undo_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object) -> None:
        raise OperatorError("the panel does not answer.")

    monkeypatch.setattr(Panel, "call", refuse)
    commands._tell_panel(Engine("unix:///nowhere.sock"), is_scheduled=True)
    assert "may warn that no backup was made: the panel does not answer." in capsys.readouterr().out


@pytest.mark.parametrize(("words", "stands"), [([], True), (["--off"], False)])
def test_the_panel_learns_whether_a_backup_is_made_each_day(
    monkeypatch: pytest.MonkeyPatch, words: list[str], stands: bool,
) -> None:
    told: list[tuple[object, ...]] = []
    monkeypatch.setattr(Job, "add", lambda *_: "each day")
    monkeypatch.setattr(Job, "remove", lambda *_: "none any more")
    monkeypatch.setattr(Panel, "call", lambda _, *said: told.append(said))
    assert run("backup", "schedule", *words).exit_code == 0
    assert told == [("PUT", "/backup", {"is_scheduled": stands})]


@pytest.mark.parametrize(("hours", "code"), [("31", 0), ("29", 1)])
def test_monitoring_is_told_when_the_last_backup_is_too_old(hours: str, code: int) -> None:
    result = run("backup", "list", "--within", hours)
    assert result.exit_code == code
    assert "1a2b3c4d   local" in result.output
    assert ("local has no backup of the last 29 h" in result.output) is bool(code)


def test_without_restic_the_setup_s_own_words_are_pointed_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    script = tmp_path / "restic.sh"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(tool, "_SCRIPT", script)
    with pytest.raises(OperatorError, match="the lines above say why"):
        tool.bring()
