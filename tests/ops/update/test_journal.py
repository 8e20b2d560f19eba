import json
import multiprocessing
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from ops.cli import main
from ops.errors import OperatorError
from ops.unfinished import refuse_unfinished
from ops.update.journal import BACK, READY, Journal, alone, unfinished
from tests.ops.operations.fakes import FakeEngine, ops

OLD, NEW = "a" * 40, "b" * 40


def begun(tmp_path: Path, **fields: object) -> Journal:
    file = tmp_path / "Pulumi.local.yaml"
    file.write_text("mine\n")
    return Journal(stack="local", origin=OLD, goal=NEW, **fields).begin("the state", [file])  # type: ignore[arg-type]


def test_an_update_that_begun_is_read_again_with_state_and_files(tmp_path: Path, folder: Path) -> None:
    made = begun(tmp_path, backup="1a2b3c4d")
    assert Journal.read("local") == made
    assert made.state == "the state"
    (tmp_path / "Pulumi.local.yaml").write_text("of another version\n")
    made.put_files_back(tmp_path)
    assert (tmp_path / "Pulumi.local.yaml").read_text() == "mine\n"
    modes = {stat.S_IMODE(file.stat().st_mode) for file in folder.rglob("*") if file.is_file()}
    assert modes == {0o600}
    assert stat.S_IMODE((folder / "local").stat().st_mode) == 0o700


def test_a_journal_comes_last_so_that_half_a_begin_is_none(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Journal(stack="local", origin=OLD, goal=NEW).begin("the state", [tmp_path / "missing"])
    assert Journal.read("local") is None
    assert unfinished("local") == ""


def test_a_phase_is_kept_and_the_first_fault_stays(tmp_path: Path) -> None:
    begun(tmp_path).at(BACK, "it broke").at(READY)
    found = Journal.read("local")
    assert found is not None
    assert (found.phase, found.fault) == (READY, "it broke")


@pytest.mark.parametrize(("phase", "way"), [
    (READY, f"from {OLD[:12]} to {NEW[:12]}"), (BACK, f"from {NEW[:12]} back to {OLD[:12]}")])
def test_an_unfinished_update_is_named_with_its_way_and_the_one_command(tmp_path: Path, phase: str, way: str) -> None:
    begun(tmp_path).at(phase)
    sentence = f"An update {way} was interrupted. Run `ops update --continue`."
    assert unfinished("local") == sentence
    with pytest.raises(OperatorError, match=r"Run `ops update --continue`\."):
        refuse_unfinished("local")
    assert unfinished("another") == ""


@pytest.mark.parametrize("command", ["up", "down", "stop", "start", "restart", "rebuild", "build", "update"])
def test_no_command_changes_a_server_whose_update_has_not_ended(
    tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, command: str,
) -> None:
    monkeypatch.setattr("ops.preflight.check", lambda _: None)
    begun(tmp_path)
    done = CliRunner().invoke(main, [command])
    assert done.exit_code == 1
    assert "Run `ops update --continue`." in done.output
    assert engine.asked == []


def test_status_calls_an_unfinished_update_a_fault(tmp_path: Path, engine: FakeEngine) -> None:
    assert json.loads(ops("status", "--json").output)["well"] is True
    begun(tmp_path)
    found = json.loads(ops("status", "--json").output)
    assert (found["well"], found["faults"]) == (False, [unfinished("local")])


def test_a_good_end_makes_it_the_last_one_which_a_failed_one_leaves(tmp_path: Path) -> None:
    begun(tmp_path).end_well()
    assert Journal.read("local") is None
    Journal(stack="local", origin=NEW, goal=OLD).begin("another state", []).forget()
    last = Journal.last("local")
    assert last is not None
    assert last.goal == NEW
    assert Journal.last_state("local") == "the state"


def test_what_was_taken_back_cannot_be_again(tmp_path: Path) -> None:
    begun(tmp_path).end_well()
    begun(tmp_path, undoes=True, phase=BACK).forget()
    assert Journal.last("local") is None


def test_a_journal_of_another_form_is_refused(tmp_path: Path, folder: Path) -> None:
    begun(tmp_path)
    file = folder / "local" / "journal.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 2}))
    with pytest.raises(OperatorError, match=f"has the form 2, but this version knows 1 only. Take the version {NEW}"):
        Journal.read("local")


def _hold() -> bool:
    try:
        with alone("local"):
            return True
    except OperatorError:
        return False


def test_an_update_that_runs_is_under_way_and_not_interrupted(tmp_path: Path) -> None:
    made = begun(tmp_path)
    with alone("local"):
        assert unfinished("local") == "An update is under way. Wait until it has ended."
    assert "was interrupted" in unfinished("local")
    made.forget()
    assert unfinished("local") == ""


def test_only_one_update_runs_at_a_time() -> None:
    with alone("local"), multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(_hold) is False
    assert _hold()
