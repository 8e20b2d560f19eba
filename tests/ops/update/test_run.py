"""The whole way of an update, from version to version, without an engine."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ops.drift.record import Record
from ops.errors import OperatorError
from ops.update.journal import Journal
from tests.ops.operations.fakes import FakeEngine, ops
from tests.ops.update.test_images import BEFORE

OLD, NEW = "a" * 40, "b" * 40


class World:
    """A server, its checkout and what fails."""

    def __init__(self) -> None:
        self.code = self.server = OLD
        self.upstream = NEW
        self.fails: set[str] = set()
        self.dies: set[str] = set()
        self.done: list[str] = []

    def do(self, step: str) -> None:
        """Do a step, or fail in it; a kill ends the command at once."""
        self.done.append(step)
        if step in self.dies:
            self.dies.remove(step)
            raise SystemExit(137)
        if step in self.fails:
            raise OperatorError(f"{step} failed.")

    def backup(self) -> str:
        self.do("backup")
        return "1a2b3c4d"

    def move(self, commit: str, put_files_back: Callable[[], None]) -> None:
        self.do(f"code {commit[0]}")
        self.code = commit

    def forward(self) -> list[str]:
        self.server = "half"
        self.do(f"deploy {self.code[0]}")
        self.server = self.code
        return ["xray"]

    def back(self, state: str) -> None:
        self.do(f"back to {self.code[0]}")
        assert state == BEFORE
        self.server = self.code


@pytest.fixture
def world(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    fakes: dict[str, Callable[..., object]] = {
        "checkout.Checkout.head": lambda _: made.code,
        "checkout.Checkout.refuse_changes": lambda _: made.do("changes"),
        "checkout.Checkout.newest": lambda _: made.upstream,
        "checkout.Checkout.named": lambda _, name: {"old": OLD, "new": NEW}[name],
        "checkout.Checkout.title": lambda _, commit: commit[:4],
        "checkout.Checkout.is_before": lambda _, first, then: first <= then,
        "checkout.Checkout.tables": lambda *_: frozenset(),
        "checkout.Checkout.pulumi": lambda *_: (),
        "checkout.Checkout.has": lambda *_: True,
        "checkout.Checkout.stack_files": lambda _: [],
        "checkout.Checkout.set_up": lambda _: made.do(f"tools {made.code[0]}"),
        "checkout.Checkout.move": lambda _, commit, put_back: made.move(commit, put_back),
        "run.Stack.has_resources": lambda _: True, "run.Stack.prepare": lambda _: None,
        "run.Stack.repair": lambda *_: None,
        "run.Stack.outputs": lambda _: {"version": made.server}, "run.Stack.call": lambda *_: BEFORE,
        "run.Forward.go": lambda _: made.forward(), "run.Back.go": lambda _, state: made.back(state),
        "images.keep": lambda _engine, _state, tag: made.do(f"keep {tag}"),
        "images.drop": lambda _engine, _state, tag: made.do(f"drop {tag}"),
        "run.preflight.check": lambda _: None, "run.make": lambda _: made.backup(),
        "run.ensure": lambda *_: None,
        "store.tables": lambda _: "", "run.os.execv": execute}
    for place, fake in fakes.items():
        monkeypatch.setattr(f"ops.update.{place}", fake)
    return made


def execute(_: str, words: list[str]) -> None:
    """Play the change to the commands of another version: the one ends, the other begins."""
    raise HandedOverError(words[1:])


class HandedOverError(Exception):
    def __init__(self, words: list[str]) -> None:
        self.words = words


def command(*words: str) -> tuple[int, str]:
    """Run a command and those that it hands over to; return the last exit code and all that was said."""
    said = ""
    while True:
        done = ops(*words)
        said += done.output
        if not isinstance(done.exception, HandedOverError):
            return done.exit_code, said
        words = tuple(done.exception.words)


def test_a_good_update_backs_up_moves_the_code_deploys_and_can_be_taken_back(world: World) -> None:
    code, said = command("update")
    assert code == 0, said
    assert world.done == ["changes", "backup", "keep before-this-update", "code b", "tools b", "deploy b",
                          "keep previous", "drop before-this-update"]
    assert "Updated from aaaa to bbbb" in said
    assert "Replaced: xray. Backup: 1a2b3c4d. `ops rollback` goes back." in said
    assert Journal.read("local") is None
    world.done.clear()
    assert command("rollback")[0] == 0
    assert world.done == ["changes", "backup", "code a", "tools a", "back to a", "drop previous"]
    assert (world.code, world.server) == (OLD, OLD)
    code, said = command("rollback")
    assert (code, "no update is known that could be taken back" in said) == (1, True)


@pytest.mark.parametrize(("fails", "left"), [(set(), ()), ({"deploy b"}, ("service xray",))])
def test_a_good_update_leaves_no_drift_that_was_found_before(
    world: World, fails: set[str], left: tuple[str, ...],
) -> None:
    Record(at=datetime(2026, 11, 30, tzinfo=UTC), subjects=("service xray",)).write("local")
    world.fails |= fails
    command("update")
    kept = Record.read("local")
    assert kept
    assert kept.subjects == left


@pytest.mark.parametrize("step", ["code b", "tools b", "deploy b"])
def test_a_step_that_fails_is_taken_back_and_says_why(world: World, step: str) -> None:
    world.fails.add(step)
    code, said = command("update")
    assert code == 1
    assert "the update to bbbb was taken back, and aaaa runs again" in said
    assert f"It failed because {step} failed." in said
    assert (world.code, world.server) == (OLD, OLD)
    assert Journal.read("local") is None


@pytest.mark.parametrize("step", ["changes", "backup", "keep before-this-update"])
def test_what_fails_before_the_begin_has_changed_nothing(world: World, step: str) -> None:
    world.fails.add(step)
    code, said = command("update")
    assert (code, f"Error: {step} failed." in said) == (1, True)
    assert (world.code, world.server, Journal.read("local")) == (OLD, OLD, None)


@pytest.mark.parametrize("step", ["code b", "tools b", "deploy b", "keep previous", "drop before-this-update"])
def test_a_killed_update_is_gone_on_with(world: World, step: str) -> None:
    world.dies.add(step)
    assert command("update")[0] == 137
    assert "Run `ops update --continue`." in command("status")[1]
    code, said = command("update", "--continue")
    assert code == 0, said
    assert (world.code, world.server) == (NEW, NEW)
    assert command("update", "--continue")[0] == 1


@pytest.mark.parametrize("step", ["code a", "tools a", "back to a", "drop before-this-update"])
def test_a_killed_way_back_is_gone_on_with(world: World, step: str) -> None:
    world.fails.add("deploy b")
    world.dies.add(step)
    assert command("update")[0] == 137
    code, said = command("update", "--continue")
    assert (code, "It failed because deploy b failed." in said) == (1, True)
    assert (world.code, world.server, Journal.read("local")) == (OLD, OLD, None)


def test_an_interrupted_update_can_be_given_up(world: World) -> None:
    world.dies.add("deploy b")
    assert command("update")[0] == 137
    code, said = command("rollback")
    assert (code, "It failed because that was wished" in said) == (1, True)
    assert (world.code, world.server) == (OLD, OLD)


def test_a_way_back_that_fails_names_the_command_that_goes_on(world: World) -> None:
    world.fails |= {"deploy b", "back to a"}
    code, said = command("update")
    assert code == 1
    assert "back to a failed.\nThe way back to aaaa has begun and is not complete: mend that, and run " \
           "`ops update --continue`." in said
    world.fails.clear()
    assert command("update", "--continue")[0] == 1
    assert (world.code, world.server, Journal.read("local")) == (OLD, OLD, None)


def test_the_version_that_runs_is_not_deployed_again_and_an_older_one_not_in_silence(world: World) -> None:
    world.upstream = OLD
    assert command("update") == (0, "aaaa runs already, and nothing newer is to be had.\n")
    world.code = world.server = NEW
    code, said = command("update", "--to", "old")
    assert (code, "aaaa is older than bbbb" in said) == (1, True)
    assert command("update", "--to", "old", "--downgrade", "--without-backup")[0] == 0
    assert "backup" not in world.done
    assert world.server == OLD


def test_what_is_checked_out_is_taken_as_it_is(world: World) -> None:
    world.code = NEW
    assert command("update", "--no-pull")[0] == 0
    assert world.server == NEW
    assert command("update", "--no-pull", "--to", "new")[0] == 2
