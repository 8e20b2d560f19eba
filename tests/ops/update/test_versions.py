import json
from typing import Any, cast

import pytest

from ops.errors import OperatorError
from ops.stack import Stack
from ops.target import Target
from ops.update import versions
from ops.update.checkout import Checkout
from ops.update.versions import Move, deployed

OLD, RUNS, NEXT, FORK = ("a" * 40, "b" * 40, "c" * 40, "f" * 40)


class FakeCheckout:
    """Three commits in a row and one beside them; the last one brings new tables and a new Pulumi."""

    def has(self, commit: str) -> bool:
        return commit in {OLD, RUNS, NEXT, FORK}

    def head(self) -> str:
        return RUNS

    def title(self, commit: str) -> str:
        return commit[:4]

    def is_before(self, earlier: str, later: str) -> bool:
        return FORK not in {earlier, later} and earlier <= later

    def tables(self, commit: str) -> frozenset[str]:
        return frozenset({"0001", "0002"} if commit == NEXT else {"0001"})

    def pulumi(self, commit: str) -> tuple[int, ...]:
        return (3, 260, 0) if commit == NEXT else (3, 259, 0)


class FakeStack:
    def __init__(self, version: str = RUNS, pulumi: str = "v3.259.0") -> None:
        self.version, self.pulumi = version, pulumi

    def outputs(self) -> dict[str, Any]:
        return {"version": self.version}

    def call(self, *_: str) -> str:
        return json.dumps({"deployment": {"manifest": {"version": self.pulumi}}})


@pytest.fixture
def has(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the server has: its tables, and settings of its stack."""
    found: dict[str, Any] = {"tables": "0001", "databaseUrl": ""}
    monkeypatch.setattr("ops.update.store.tables", lambda _: found["tables"])
    monkeypatch.setattr(versions, "settings", lambda _: found)
    return found


def judge(goal: str, stack: FakeStack | None = None, *, downgrade: bool = False, copied: bool = False) -> None:
    Move(cast(Checkout, FakeCheckout()), cast(Stack, stack or FakeStack()), Target.read("local")).judge(
        RUNS, goal, downgrade=downgrade, database_copied=copied)


def test_a_newer_version_is_let_through(has: dict[str, Any]) -> None:
    judge(NEXT)


@pytest.mark.parametrize(("goal", "sentence"), [
    (OLD, "aaaa is older than bbbb, which runs"), (FORK, "ffff has another history than bbbb")])
def test_what_is_no_descendant_needs_a_word(has: dict[str, Any], goal: str, sentence: str) -> None:
    with pytest.raises(OperatorError, match=f"{sentence}.*add --downgrade"):
        judge(goal)
    judge(goal, downgrade=True)


def test_data_that_a_version_does_not_know_is_refused_whatever_was_said(has: dict[str, Any]) -> None:
    has["tables"] = "0002"
    judge(NEXT)
    with pytest.raises(OperatorError, match=f"the panel's tables are 0002, which aaaa does not know.*{OLD[:12]}"):
        judge(OLD, downgrade=True)


def test_a_panel_that_does_not_run_tells_nothing_and_the_new_one_refuses_by_itself(has: dict[str, Any]) -> None:
    has["tables"] = ""
    judge(NEXT)


def test_a_state_of_a_newer_pulumi_is_refused(has: dict[str, Any]) -> None:
    newer = FakeStack(pulumi="v3.259.1-dev.0")
    judge(NEXT, newer)
    with pytest.raises(OperatorError, match=r"the state was written by Pulumi 3\.259\.1, and aaaa brings an older one"):
        judge(OLD, newer, downgrade=True)


def test_new_tables_in_the_operator_s_own_database_need_a_copy(has: dict[str, Any]) -> None:
    has["databaseUrl"] = "postgresql+psycopg://u:secret@h/n"
    with pytest.raises(OperatorError, match="add --database-copied") as caught:
        judge(NEXT)
    assert "secret" not in str(caught.value)
    judge(NEXT, copied=True)
    judge(RUNS)


@pytest.mark.parametrize("said", ["", f"{RUNS}-changed", "e" * 40])
def test_a_version_that_nobody_knows_is_what_is_checked_out_unless_that_has_moved_on(said: str) -> None:
    checkout, stack = cast(Checkout, FakeCheckout()), cast(Stack, FakeStack(said))
    assert deployed(stack, checkout, pulls=True) == RUNS
    with pytest.raises(OperatorError, match="nobody knows which version runs"):
        deployed(stack, checkout, pulls=False)


def test_the_version_that_runs_is_what_the_stack_says() -> None:
    assert deployed(cast(Stack, FakeStack(OLD)), cast(Checkout, FakeCheckout()), pulls=False) == OLD
