import json
from pathlib import Path
from typing import Any

import pytest

from ops.events import Follower, follow

URN = "urn:pulumi:local::stealth-vpn::docker:index/container:Container::stealth-xray"
STACK = "urn:pulumi:local::stealth-vpn::pulumi:pulumi:Stack::stealth-vpn-local"


def step(operation: str, *, kind: str = "docker:index/container:Container", planning: bool = False) -> dict[str, Any]:
    return {"metadata": {"op": operation, "urn": URN, "type": kind}, "planning": planning}


def told(message: str, urn: str = STACK, severity: str = "error") -> dict[str, Any]:
    return {"diagnosticEvent": {"message": message, "urn": urn, "severity": severity}}


def take(*events: dict[str, Any]) -> tuple[Follower, list[str]]:
    lines: list[str] = []
    follower = Follower(lines.append)
    for event in events:
        follower.take(event)
    return follower, lines


def test_a_made_resource_is_one_line_and_one_change() -> None:
    follower, lines = take({"resourcePreEvent": step("create")}, {"resOutputsEvent": step("create")})
    assert lines == ["  container stealth-xray created"]
    assert follower.changes == 1


@pytest.mark.parametrize("operation", ["same", "read", "refresh"])
def test_what_does_not_change_is_not_shown(operation: str) -> None:
    follower, lines = take({"resourcePreEvent": step(operation)}, {"resOutputsEvent": step(operation)})
    assert (lines, follower.changes) == ([], 0)


def test_a_plan_is_no_change() -> None:
    follower, lines = take({"resourcePreEvent": step("create", planning=True)},
                           {"resOutputsEvent": step("create", planning=True)})
    assert (lines, follower.changes, follower.planned) == ([], 0, {"stealth-xray": {}})


def test_what_a_preview_would_change_is_known_with_its_inputs() -> None:
    planned = step("replace", planning=True)
    planned["metadata"]["new"] = {"inputs": {"image": "x"}}
    assert take({"resourcePreEvent": planned})[0].planned == {"stealth-xray": {"image": "x"}}


def test_what_a_preview_would_not_change_is_not_planned() -> None:
    follower, _ = take({"resourcePreEvent": step("same", planning=True)}, {"resourcePreEvent": step("update")})
    assert follower.planned == {}


@pytest.mark.parametrize(("operation", "old", "new", "differs"), [
    ("same", {"a": 1}, {"a": 1}, False), ("refresh", {"a": 1}, {"a": 1}, False), ("read", None, None, False),
    ("same", {"panelUsername": "admin"}, {"panelUsername": "other"}, True), ("refresh", {"a": 1}, {"a": 2}, True),
    ("refresh", {"a": 1}, None, True), ("create", None, None, True), ("replace", {"a": 1}, {"a": 1}, True)])
def test_a_preview_differs_by_what_is_done_and_by_what_the_state_does_not_know(
    operation: str, old: dict[str, Any] | None, new: dict[str, Any] | None, differs: bool,
) -> None:
    event = step(operation, planning=True)
    event["metadata"] |= {"old": old and {"outputs": old}, "new": new and {"outputs": new}}
    assert take({"resOutputsEvent": event})[0].differs == differs


def test_a_warning_is_told_once_by_both_runs_of_a_command() -> None:
    said: set[str] = set()
    lines: list[str] = []
    for _ in range(2):
        Follower(lines.append, said).take(told("the name is taken", severity="warning"))
    assert lines == ["Warning: the name is taken"]


def test_the_beginning_of_a_build_is_shown_because_it_takes_long() -> None:
    _, lines = take({"resourcePreEvent": step("create", kind="docker:index/image:Image")})
    assert lines == ["  image stealth-xray is being built ..."]


def test_a_resource_s_fault_hides_the_program_s_that_follows_from_it() -> None:
    follower, _ = take(
        told("<{%reset%}>Traceback ...<{%reset%}>"), told("update failed"),
        told("1 error occurred:\n\t* stealth-xray did not become healthy: the port is closed", URN))
    assert follower.faults.sentences() == ["stealth-xray did not become healthy: the port is closed"]


def test_a_fault_of_the_configuration_is_said_once_and_without_noise() -> None:
    fault = "domain is x, but it must be a host name."
    follower, _ = take(
        told(fault), told(fault), told("an unhandled error occurred: Program exited with non-zero exit code: 1"))
    assert follower.faults.sentences() == [fault]


def test_warnings_are_no_faults_and_the_program_s_own_are_shown_once() -> None:
    follower, lines = take(told("careful", URN, "warning"), told("warning: it ends soon", STACK, "warning"),
                           told("warning: it ends soon", STACK, "warning"))
    assert follower.faults.sentences() == []
    assert lines == ["Warning: it ends soon"]


def test_events_are_followed_to_the_last_line_that_the_writer_left(tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.write_text('{"number": 1}\n{"num')
    answers = iter([True, False])

    def running() -> bool:
        alive = next(answers)
        if not alive:
            with file.open("a") as stream:
                stream.write('ber": 2}\n' + json.dumps({"number": 3}) + "\n")
        return alive

    assert [event["number"] for event in follow(file, running)] == [1, 2, 3]


def test_a_file_that_is_emptied_for_the_update_is_read_from_its_new_beginning(tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.write_text('{"number": 1}\n' * 3 + '{"cut')
    answers = iter([True, False])

    def running() -> bool:
        alive = next(answers)
        if not alive:
            file.write_text('{"number": 9}\n')
        return alive

    assert [event["number"] for event in follow(file, running)] == [1, 1, 1, 9]
