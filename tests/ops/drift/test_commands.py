"""The commands' own order of things; what they find and mend on a server is tried in tests/e2e/test_drift.py."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from ops import preflight
from ops.cli import main
from ops.docker import Engine
from ops.drift import commands
from ops.drift import look as looking
from ops.drift.findings import Finding
from ops.drift.look import Look
from ops.drift.record import Record
from ops.errors import InterruptedRun, OperatorError
from ops.events import Follower, Step
from ops.panel import Panel
from ops.schedule import DRIFT, Job
from ops.stack import Stack
from ops.verify.checks import Check, unchecked
from tests.ops.drift.steps import step

FOUND = Finding(subject="service xray", property="restart policy", deployed="always", now="no", remedy="Heal it.")
Looks = Callable[..., list[str]]


def look(*findings: Finding, pending: tuple[Step, ...] = (), pending_fault: str = "",
         not_checked: tuple[Check, ...] = ()) -> Look:
    return Look(findings=list(findings), pending=list(pending), pending_fault=pending_fault,
                unchecked=list(not_checked))


def ops(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, list(words), input=typed)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done to the server; no engine and no Pulumi are asked."""
    said: list[str] = []

    def run(_: Stack, *words: str) -> Follower:
        said.append(" ".join(words))
        follower = Follower(print)
        follower.differs = True
        return follower

    monkeypatch.setattr(Stack, "run", run)
    monkeypatch.setattr(Stack, "prepare", lambda _: None)
    monkeypatch.setattr(Stack, "repair", lambda *_: said.append("repair"))
    monkeypatch.setattr(preflight, "check", lambda _: Engine("unix:///nowhere.sock"))
    monkeypatch.setattr(commands, "await_health", lambda *_: said.append("healthy"))
    monkeypatch.setattr(Job, "stands", lambda *_: False)
    monkeypatch.setattr(Panel, "call", lambda *_: None)
    return said


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch, done: list[str]) -> Looks:
    """Lets the looks find these, one after another; a fault is raised."""
    def find(*found: Look | Exception) -> list[str]:
        rest = iter(found)

        def next_one(_: Stack) -> Look:
            one = next(rest)
            if isinstance(one, Exception):
                raise one
            return one

        monkeypatch.setattr(looking, "look", next_one)
        return done
    return find


def test_without_drift_the_code_is_0_and_the_last_line_says_so(looks: Looks) -> None:
    looks(look())
    result = ops("drift")
    assert (result.exit_code, result.output) == (0, "No drift: what runs is what was deployed.\n")


def test_drift_is_a_table_with_what_mends_it_and_the_code_is_3(looks: Looks) -> None:
    assert looks(look(FOUND)) == []
    result = ops("drift")
    assert result.exit_code == 3
    assert result.output.splitlines() == [
        "SUBJECT       PROPERTY        DEPLOYED  NOW", "service xray  restart policy  always    no",
        "To mend service xray: Heal it.", "1 finding of drift: what runs is not what was deployed."]


def test_what_is_not_deployed_yet_is_told_apart_and_is_no_drift(looks: Looks) -> None:
    looks(look(pending=(step("replace", memory=256, networksAdvanced=[]),)))
    result = ops("drift")
    assert result.exit_code == 0
    assert result.output.splitlines()[1:] == [
        "  service xray would be replaced: memory (MiB), networks", "No drift: what runs is what was deployed."]
    assert result.output.startswith("Not deployed yet, which is no drift;")


def test_a_configuration_that_cannot_be_deployed_is_told_and_is_no_drift(looks: Looks) -> None:
    looks(look(pending_fault="httpsPort is 0, but a port lies between 1 and 65535."))
    result = ops("drift")
    assert result.exit_code == 0
    assert "not to be deployed as it is: httpsPort is 0" in result.output


def test_what_could_not_be_looked_at_is_said(looks: Looks) -> None:
    looks(look(not_checked=(unchecked("stealth-xray", "is", "this user may not see all of /proc", "Be root."),)))
    assert "1 promise could not be looked at: this user may not see all of /proc. Be root." in ops("drift").output


def test_for_programs_there_is_one_document(looks: Looks) -> None:
    looks(look(FOUND, pending=(step("update", memory=256),)))
    result = ops("drift", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == document["exit_code"] == 3
    assert document["drift"] == [{"subject": "service xray", "property": "restart policy", "deployed": "always",
                                  "now": "no", "remedy": "Heal it."}]
    assert document["pending"] == [{"subject": "service xray", "change": "update", "properties": ["memory"]}]
    assert (document["pending_fault"], document["not_checked"]) == ("", 0)


def test_healing_asks_deploys_with_a_refresh_and_looks_again(looks: Looks) -> None:
    did = looks(look(FOUND), look())
    result = ops("drift", "--heal", typed="y\n")
    assert result.exit_code == 0, result.output
    assert did == ["repair", "preview --refresh", "up --yes --skip-preview --refresh", "healthy"]
    assert result.output.splitlines()[-1] == "No drift: what runs is what was deployed."
    assert Record.read("local") == Record(at=Record.read("local").at)  # type: ignore[union-attr]


def test_who_does_not_confirm_changes_nothing(looks: Looks) -> None:
    did = looks(look(FOUND))
    assert ops("drift", "--heal", typed="n\n").exit_code == 1
    assert did == []


def test_without_drift_there_is_nothing_to_heal_or_to_ask(looks: Looks) -> None:
    did = looks(look(pending=(step("update", memory=256),)))
    assert ops("drift", "--heal").exit_code == 0
    assert did == []


def test_what_healing_leaves_is_told_and_the_code_stays_3(looks: Looks) -> None:
    looks(look(FOUND), look(FOUND))
    result = ops("drift", "--heal", "--yes", "--json")
    assert result.exit_code == 3
    assert len(json.loads(result.stdout)["drift"]) == 1


@pytest.mark.parametrize("found", [look(FOUND, pending=(step("update", memory=256),)),
                                   look(FOUND, pending_fault="domain is x")])
def test_healing_deploys_nothing_that_nobody_has_deployed_yet(looks: Looks, found: Look) -> None:
    did = looks(found)
    result = ops("drift", "--heal", "--yes")
    assert result.exit_code == 1
    assert "healing would also deploy what is not deployed yet" in result.output
    assert did == []


@pytest.mark.parametrize(("left", "code"), [((FOUND,), 3), ((), 1)])
def test_a_deploy_that_fails_is_told_with_what_is_left(
    looks: Looks, monkeypatch: pytest.MonkeyPatch, left: tuple[Finding, ...], code: int,
) -> None:
    def fail(*_: object) -> Follower:
        raise OperatorError("Container stealth-xray did not become healthy.")

    looks(look(FOUND), look(*left))
    monkeypatch.setattr(Stack, "run", fail)
    result = ops("drift", "--heal", "--yes")
    assert result.exit_code == code
    assert "Container stealth-xray did not become healthy." in result.output


def test_what_cannot_be_told_is_1_and_kept_where_somebody_waits_for_it(
    looks: Looks, monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks(OperatorError("Docker Engine at unix:///x does not answer.\nAll is in a log."), OperatorError("Again."))
    assert ops("drift").exit_code == 1
    assert Record.read("local") is None
    monkeypatch.setattr(Job, "stands", lambda job, _: job is DRIFT)
    assert ops("drift").exit_code == 1
    kept = Record.read("local")
    assert kept
    assert kept.error == "Again."


def test_a_look_that_is_interrupted_leaves_what_the_last_one_found(looks: Looks) -> None:
    looks(look(FOUND), InterruptedRun("it was interrupted."))
    ops("drift")
    assert ops("drift").exit_code == 130
    kept = Record.read("local")
    assert kept
    assert kept.subjects == ("service xray",)


@pytest.mark.parametrize("words", [("--yes",), ("--heal", "schedule"), ("--yes", "schedule"), ("other",)])
def test_a_command_line_that_means_nothing_is_2(looks: Looks, words: tuple[str, ...]) -> None:
    did = looks()
    assert ops("drift", *words).exit_code == 2
    assert did == []


def test_the_schedule_is_made_and_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[object, ...]] = []
    monkeypatch.setattr(Job, "add", lambda *words: said.append(words))
    monkeypatch.setattr(Job, "remove", lambda *words: said.append(words))
    assert ops("drift", "schedule").exit_code == 0
    assert ops("drift", "schedule", "--at", "05:00").exit_code == 0
    assert ops("drift", "schedule", "--off").exit_code == 0
    assert said == [(DRIFT, "local", "04:40"), (DRIFT, "local", "05:00"), (DRIFT, "local")]
