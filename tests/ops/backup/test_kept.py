import json
from pathlib import Path
from typing import Any

import pytest

from ops.backup import kept

URN = "urn:pulumi:local::stealth-vpn::"
RESOURCES: list[dict[str, Any]] = [
    {"urn": f"{URN}stack", "type": "pulumi:pulumi:Stack", "outputs": {"siteUrl": "https://www.example.com/"}},
    {"urn": f"{URN}default", "type": "pulumi:providers:random", "id": "1"},
    {"urn": f"{URN}engine", "type": "pulumi:providers:docker", "id": "2", "parent": f"{URN}stack"},
    {"urn": f"{URN}secrets", "type": "stealth-vpn:random:Secrets", "parent": f"{URN}stack"},
    {"urn": f"{URN}seed", "type": "random:index/randomPassword:RandomPassword", "protect": True,
     "parent": f"{URN}secrets", "provider": f"{URN}default::1"},
    {"urn": f"{URN}data", "type": "docker:index/volume:Volume", "protect": True, "parent": f"{URN}stack",
     "provider": f"{URN}engine::2", "inputs": {"name": "stealth-admin-data", "labels": [
         {"label": "org.stealth-vpn.stack", "value": "local"}]}},
    {"urn": f"{URN}rendered", "type": "docker:index/volume:Volume", "inputs": {"name": "stealth-admin-rendered"}},
    {"urn": f"{URN}image", "type": "docker:index/image:Image", "provider": f"{URN}engine::2"},
    {"urn": f"{URN}admin", "type": "docker:index/container:Container", "dependencies": [f"{URN}image"]},
    {"urn": f"{URN}old", "type": "docker:index/volume:Volume", "protect": True, "delete": True,
     "inputs": {"name": "gone"}},
]


@pytest.fixture
def state() -> dict[str, Any]:
    return {"version": 3, "deployment": {"secrets_providers": {"type": "passphrase"}, "resources": RESOURCES,
                                         "pending_operations": [{"type": "creating"}]}}


def left(state: dict[str, Any]) -> list[str]:
    return [entry["urn"].removeprefix(URN) for entry in json.loads(kept.reduced(state))["deployment"]["resources"]]


def test_what_is_protected_is_kept_with_all_that_it_needs_in_the_old_order(state: dict[str, Any]) -> None:
    assert left(state) == ["stack", "default", "engine", "secrets", "seed", "data"]


@pytest.mark.parametrize("need", [
    {"dependencies": [f"{URN}admin"]}, {"propertyDependencies": {"name": [f"{URN}admin"], "labels": None}},
    {"deletedWith": f"{URN}admin"}])
def test_a_need_of_any_kind_is_followed(state: dict[str, Any], need: dict[str, Any]) -> None:
    state["deployment"]["resources"] = [
        entry | need if entry["urn"] == f"{URN}data" else entry for entry in RESOURCES]
    assert {"admin", "image"} < set(left(state))


def test_what_a_command_has_brought_to_a_machine_is_brought_anew(state: dict[str, Any]) -> None:
    command = {"urn": f"{URN}stealth-host", "type": "command:local:Command"}
    state["deployment"]["resources"] = [command, *(
        entry | {"dependencies": [command["urn"]]} if entry["urn"] == f"{URN}engine" else entry
        for entry in RESOURCES)]
    found = json.loads(kept.reduced(state))["deployment"]["resources"]
    assert command["urn"] not in json.dumps(found), "a state may name nothing that is not in it"
    assert "engine" in left(state)


def test_secrets_stay_encrypted_and_nothing_is_pending(state: dict[str, Any]) -> None:
    deployment = json.loads(kept.reduced(state))["deployment"]
    assert deployment["secrets_providers"] == {"type": "passphrase"}
    assert deployment["pending_operations"] == []


@pytest.mark.parametrize("host", ["", "ssh://root@new.example.com"])
def test_on_another_engine_the_provider_has_its_address_from_the_start(state: dict[str, Any], host: str) -> None:
    old = {"host": "unix:///var/run/docker.sock", "version": "5.2.0"}
    state["deployment"]["resources"] = [
        entry | {"inputs": old, "outputs": old} if entry["type"] == "pulumi:providers:docker" else entry
        for entry in RESOURCES]
    found = json.loads(kept.reduced(state, host))["deployment"]["resources"]
    engine = next(entry for entry in found if entry["urn"] == f"{URN}engine")
    assert engine["inputs"] == engine["outputs"] == old | ({"host": host} if host else {})
    assert all("inputs" not in entry for entry in found if entry["urn"] == f"{URN}default")


def test_the_volumes_are_made_with_the_labels_that_the_deploy_expects(state: dict[str, Any]) -> None:
    state["deployment"]["resources"] = RESOURCES[:-1]
    assert kept.volumes(state) == {"stealth-admin-data": {"org.stealth-vpn.stack": "local"}}


def test_the_program_protects_what_cannot_be_made_again_and_nothing_else() -> None:
    """Here it stands in words; tests/unit/test_options.py sees it in the program."""
    protecting = {file.name for file in Path("components").rglob("*.py") if "protect=True" in file.read_text()}
    assert protecting == {"secrets.py", "storage.py"}
