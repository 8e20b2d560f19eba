from typing import Any

import pytest

from ops.drift.refreshed import findings
from ops.events import Follower
from ops.verify.state import IMAGE, NETWORK, VOLUME
from tests.ops.drift.steps import event, step


def test_a_refresh_that_is_previewed_tells_what_it_found_and_says_and_changes_nothing() -> None:
    lines: list[str] = []
    follower = Follower(lines.append)
    for told in (event("same", title="stealth-caddy"), event("update", restart="no"), event("delete", VOLUME)):
        follower.take(told)
    assert [(item.operation, item.properties) for item in follower.steps] == [("update", ("restart",)), ("delete", ())]
    assert (follower.changes, lines) == (0, [])


def test_the_three_steps_of_a_replacement_are_one() -> None:
    follower = Follower(lambda _: None)
    for operation in ("delete-replaced", "replace", "create-replacement"):
        follower.take(event(operation, memory=256))
    assert [item.operation for item in follower.steps] == ["replace"]


def test_a_real_change_is_no_step() -> None:
    follower = Follower(lambda _: None)
    follower.take(event("update", planning=False, memory=256))
    assert follower.steps == []


def test_of_a_bridged_provider_the_paths_lead_to_the_properties() -> None:
    metadata = event("update")["resOutputsEvent"]["metadata"]
    metadata["detailedDiff"] = {"networksAdvanced[0].name": {"kind": "update"}, "restart": {"kind": "update"}}
    follower = Follower(lambda _: None)
    follower.take({"resOutputsEvent": {"planning": True, "metadata": metadata}})
    assert follower.steps[0].properties == ("networksAdvanced", "restart")


@pytest.mark.parametrize(("changes", "property_", "deployed", "now"), [
    ({"mustRun": False}, "runs", "yes", "no"),
    ({"restart": "no"}, "restart policy", "always", "no"),
    ({"memory": 256.0}, "memory (MiB)", "512", "256"),
    ({"cpus": "0.5"}, "CPU cores", "1.0", "0.5"),
    ({"name": "other"}, "name", "stealth-xray", "other"),
    ({"networksAdvanced": [{"name": "stealth-vpn", "ipv4Address": "172.20.0.11"}]}, "networks",
     "stealth-control 172.21.0.11, stealth-vpn 172.20.0.11", "stealth-vpn 172.20.0.11"),
    ({"networksAdvanced": []}, "networks", "stealth-control 172.21.0.11, stealth-vpn 172.20.0.11", "none")])
def test_a_changed_property_is_told_with_what_was_deployed_and_what_is_now(
    changes: dict[str, Any], property_: str, deployed: str, now: str,
) -> None:
    (found,) = findings([step(**changes)])
    assert (found.subject, found.property, found.deployed, found.now) == ("service xray", property_, deployed, now)
    assert "ops drift --heal" in found.remedy


@pytest.mark.parametrize("changes", [{"envs": ["TOKEN=geheim"]}, {"uploads": [{"content": "geheim"}]}])
def test_what_could_be_a_secret_is_told_by_name_alone(changes: dict[str, Any]) -> None:
    (found,) = findings([step(**changes)])
    assert found.property == next(iter(changes))
    assert (found.deployed, found.now) == ("as it was made", "another")


@pytest.mark.parametrize(("kind", "title", "subject", "what"), [
    (NETWORK, "stealth-vpn", "network stealth-vpn", "network"),
    (VOLUME, "stealth-xray-rendered", "volume stealth-xray-rendered", "volume"),
    ("docker:index/container:Container", "stealth-trojan", "service trojan", "container"),
    ("docker:index/container:Container", "stealth-trojan-writer", "container stealth-trojan-writer", "container")])
def test_what_was_removed_is_one_finding_in_an_operator_s_words(
    kind: str, title: str, subject: str, what: str,
) -> None:
    (found,) = findings([step("delete", kind, title)])
    assert (found.subject, found.property, found.deployed, found.now) == (subject, what, "there", "gone")


def test_an_image_is_called_as_the_engine_calls_it() -> None:
    metadata = event("delete", IMAGE)["resOutputsEvent"]["metadata"]
    metadata["old"]["inputs"] = {"imageName": "stealth-vpn/xray:local"}
    follower = Follower(lambda _: None)
    follower.take({"resOutputsEvent": {"planning": True, "metadata": metadata}})
    assert [found.subject for found in findings(follower.steps)] == ["image stealth-vpn/xray:local"]


def test_of_a_lost_volume_with_data_it_is_said_that_healing_brings_an_empty_one() -> None:
    (lost,) = findings([step("delete", VOLUME, "stealth-admin-data")])
    assert "empty" in lost.remedy
    assert "ops restore latest --replace" in lost.remedy
