import json
from collections.abc import Callable

import pytest

from ops import unfinished
from ops.drift.look import look
from ops.errors import InterruptedRun, OperatorError
from ops.events import Follower
from ops.stack import Stack
from ops.target import settings
from ops.verify import command
from ops.verify.checks import Check
from ops.verify.promises import Promises
from tests.ops.drift.steps import event
from tests.ops.verify.test_recorded import RECORDED

Run = Callable[[Stack, str], Follower]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of Pulumi, in order; the refresh finds xray's restart policy changed, the preview its memory."""
    said: list[str] = []

    def run(_: Stack, *words: str) -> Follower:
        said.append(" ".join(words))
        follower = Follower(print)
        follower.take(event("update", restart="no") if words[0] == "refresh" else event("replace", memory=256))
        return follower

    monkeypatch.setattr(Stack, "run", run)
    monkeypatch.setattr(Stack, "prepare", lambda _: said.append("prepare"))
    monkeypatch.setattr(Stack, "is_made", lambda _: True)
    monkeypatch.setattr(Stack, "export", lambda _: json.dumps(RECORDED["state"]))
    monkeypatch.setattr(command, "of_deploy", lambda _: [])
    return said


def test_nothing_is_asked_of_pulumi_that_would_change_anything(asked: list[str]) -> None:
    found = look(Stack("local", print))
    assert asked == ["prepare", "refresh --preview-only", "preview --refresh=false"]
    assert [item.property for item in found.findings] == ["restart policy"]
    assert [step.properties for step in found.pending] == [("memory",)]


def test_the_promises_are_asked_with_the_settings_of_the_deploy_and_not_with_those_of_the_file(
    asked: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[Promises] = []

    def keep(promises: Promises) -> list[Check]:
        given.append(promises)
        return []

    monkeypatch.setattr(command, "of_deploy", keep)
    look(Stack("local", print))
    assert settings("local")["mode"] == "full"
    assert (given[0].settings["mode"], given[0].services) == ("minimal", ("stealth-admin", "stealth-caddy"))


def test_a_stack_that_was_never_deployed_is_not_even_prepared(
    asked: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Stack, "is_made", lambda _: False)
    with pytest.raises(OperatorError, match="has no server"):
        look(Stack("local", print))
    assert asked == []


def test_in_the_middle_of_an_update_or_a_restore_nothing_is_told(
    asked: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    half = unfinished.Unfinished(name="update", sentence="An update is under way.", command="x")
    monkeypatch.setattr(unfinished, "unfinished", lambda _: [half])
    with pytest.raises(OperatorError, match="An update is under way"):
        look(Stack("local", print))
    assert asked == []


@pytest.mark.parametrize(("error", "is_told"), [(OperatorError("domain is x."), True),
                                                (InterruptedRun("interrupted"), False)])
def test_a_configuration_that_fails_is_told_beside_the_drift_and_an_interruption_ends_all(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, error: OperatorError, is_told: bool,
) -> None:
    seen = Stack.run

    def run(stack: Stack, *words: str) -> Follower:
        if words[0] == "preview":
            raise error
        return seen(stack, *words)

    monkeypatch.setattr(Stack, "run", run)
    if not is_told:
        with pytest.raises(InterruptedRun):
            look(Stack("local", print))
        return
    found = look(Stack("local", print))
    assert (found.pending, found.pending_fault, len(found.findings)) == ([], "domain is x.", 1)
