"""The refresh joined with the promises, over what a real engine and a real state told (tests/ops/verify/record.py)."""

import copy
import json
from typing import Any

import pytest

from ops.drift import promised
from ops.drift.findings import Finding
from ops.drift.look import joined
from ops.events import Step
from ops.verify import containers, images, networks
from ops.verify.checks import Check
from ops.verify.inspect import Observed
from ops.verify.promises import Promises
from ops.verify.state import NETWORK, State
from tests.ops.drift.steps import step
from tests.ops.verify.samples import facts
from tests.ops.verify.test_promises import DEFAULTS
from tests.ops.verify.test_recorded import RECORDED, Change, container, host, named

CADDY = "stealth-caddy"


def look(change: Change = lambda _: None, *steps: Step, stopped: tuple[str, ...] = (),
         **settings: object) -> tuple[list[Finding], list[Check]]:
    """Return the findings after a change to what was recorded, and the checks that they come from."""
    told: dict[str, Any] = copy.deepcopy(RECORDED)
    change(told)
    state = State.parse(json.dumps(told.pop("state")))
    # As ops.drift.promised.promises_of does it, with other settings in the stack's file.
    promises = Promises(stack="local", state=state, settings=DEFAULTS | settings | promised.deployed(state))
    observed = Observed(**told)
    entries = containers.chosen(promises, observed, (), only_own=True)
    checks = [*containers.of_deploy(promises, observed, entries),
              *containers.of_processes(promises, observed, entries, facts(is_root=False)),
              *networks.checks(promises, observed), *images.checks(promises, observed)]
    return joined(promises, list(steps), checks, stopped), checks


def told(change: Change = lambda _: None, *steps: Step, **more: Any) -> list[tuple[str, str]]:
    return [(found.subject, found.now) for found in look(change, *steps, **more)[0]]


def test_a_server_as_it_was_deployed_has_no_drift() -> None:
    assert told() == []


def test_every_promise_that_a_refresh_can_say_is_one_that_verify_makes() -> None:
    made = {check.promise for check in look()[1]}
    assert made >= {*promised.SAID_BY, *promised.OF_A_STOP, promised.IDENTITY}


@pytest.mark.parametrize("settings", [
    {"mode": "full"}, {"httpsPort": 8443}, {"httpPort": 8080}, {"networkSubnet": "10.9.0.0/16"}, {"ipv6": True},
    {"stopped": ["caddy"]}, {"allowSysModule": True}])
def test_a_configuration_that_was_changed_and_not_deployed_is_no_drift(settings: dict[str, Any]) -> None:
    assert told(**settings) == []


def test_the_deploy_s_settings_are_those_that_it_was_made_with() -> None:
    state = State.parse(json.dumps(RECORDED["state"]))
    found = promised.deployed(state)
    assert {key: DEFAULTS[key] for key in ("httpPort", "httpsPort", "networkSubnet")}.items() <= found.items()
    assert (found["mode"], found["stopped"], found["ipv6"]) == ("minimal", [], False)


def stop(recorded: dict[str, Any]) -> None:
    container(recorded)["State"].update(Status="exited", Running=False)
    container(recorded)["NetworkSettings"]["Ports"] = {}


def remove(recorded: dict[str, Any]) -> None:
    recorded["containers"].remove(container(recorded))


@pytest.mark.parametrize(("change", "seen", "subject", "now"), [
    (stop, step(title=CADDY, mustRun=False), "service caddy", "no"),
    (remove, step("delete", title=CADDY), "service caddy", "gone"),
    (lambda one: host(one)["RestartPolicy"].update(Name="no"), step(title=CADDY, restart="no"), "service caddy", "no"),
    (lambda one: host(one).update(Memory=1 << 28), step(title=CADDY, memory=256), "service caddy", "256"),
    (lambda one: one["networks"].remove(named(one, "networks", "stealth-control")),
     step("delete", NETWORK, "stealth-control"), "network stealth-control", "gone"),
    (lambda one: container(one)["NetworkSettings"]["Networks"].clear(), step(title=CADDY, networksAdvanced=[]),
     "service caddy", "none")])
def test_what_both_see_is_told_once(change: Change, seen: Step, subject: str, now: str) -> None:
    assert told(change, seen) == [(subject, now)]


@pytest.mark.parametrize(("change", "subject", "now"), [
    (lambda one: container(one)["Config"].update(Env=["TZ=UTC"]), "service caddy", "its environment differs in PATH"),
    (lambda one: named(one, "volumes", "stealth-admin-data").update(Labels={}), "volume stealth-admin-data",
     "it carries another stack's label, or none"),
    (lambda one: named(one, "networks", "stealth-control").update(Internal=False), "network stealth-control",
     "it leads to the internet"),
    (lambda one: named(one, "networks", "stealth-vpn")["Containers"].update({"f" * 64: {"Name": "rogue"}}),
     "network stealth-vpn", "rogue is on it"),
    (lambda one: one["images"].clear(), "image stealth-vpn/caddy:local", "the engine does not have it"),
    (stop, "service caddy", "it is exited and healthy")])
def test_what_a_refresh_does_not_see_is_told_by_the_promises(change: Change, subject: str, now: str) -> None:
    found = told(change)
    assert any(one == subject and text.startswith(now) for one, text in found), found


def test_a_container_that_has_joined_is_one_finding_with_its_remedy() -> None:
    def join(recorded: dict[str, Any]) -> None:
        rogue = copy.deepcopy(container(recorded))
        rogue.update(Id="f" * 64, Name="/stealth-rogue")
        rogue["HostConfig"]["Privileged"] = True
        recorded["containers"].append(rogue)

    (found,) = look(join)[0]
    assert (found.subject, found.now) == ("container stealth-rogue", "nobody promised it")
    assert "docker rm --force stealth-rogue" in found.remedy


def test_a_container_of_somebody_else_s_in_the_place_of_a_removed_one_is_told_too() -> None:
    found = told(lambda one: container(one).update(Id="f" * 64), step("delete", title=CADDY))
    assert ("service caddy", "gone") in found
    assert ("service caddy", "it was made by somebody else") in found


def test_a_renamed_container_is_told_under_the_name_that_it_was_deployed_with() -> None:
    assert told(lambda one: container(one).update(Name="/elsewhere"), step(title=CADDY, name="elsewhere"))[0] \
        == ("service caddy", "elsewhere")
    assert not [subject for subject, _ in told(lambda one: container(one).update(Name="/elsewhere"),
                                               step(title=CADDY, name="elsewhere")) if "elsewhere" in subject]


@pytest.mark.parametrize("health", ["unhealthy", "starting"])
def test_a_service_that_runs_and_is_ill_is_not_drift(health: str) -> None:
    assert told(lambda one: container(one)["State"]["Health"].update(Status=health)) == []


def test_what_ops_stop_stopped_is_no_drift_where_the_state_was_told_of_it() -> None:
    def settle(recorded: dict[str, Any]) -> None:
        stop(recorded)
        host(recorded)["RestartPolicy"].update(Name="no")
        (made,) = [item for item in recorded["state"]["deployment"]["resources"] if item["urn"].endswith(f"::{CADDY}")]
        made["inputs"].update(mustRun=False, start=False, restart="no")

    assert told(settle) == []
    assert told(settle, stopped=(CADDY,)) == []


def test_nor_where_it_could_not_be_told() -> None:
    def settle(recorded: dict[str, Any]) -> None:
        stop(recorded)
        host(recorded)["RestartPolicy"].update(Name="no")

    seen = step(title=CADDY, mustRun=False, restart="no")
    assert told(settle, seen, stopped=(CADDY,)) == []
    assert told(settle, seen) == [("service caddy", "no"), ("service caddy", "no")]


def test_a_stopped_service_whose_container_was_removed_is_drift() -> None:
    assert told(remove, step("delete", title=CADDY), stopped=(CADDY,)) == [("service caddy", "gone")]
