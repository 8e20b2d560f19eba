import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.verify.promises import FULL, Allowed, Promises
from ops.verify.state import State
from policy import allowlists, exceptions

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"hunter2hunter2"'}
SCHEMA = yaml.safe_load(Path("Pulumi.yaml").read_text())["config"]
DEFAULTS: dict[str, Any] = {key: entry["default"] for key, entry in SCHEMA.items() if "default" in entry}


def state(*resources: dict[str, object]) -> State:
    return State.parse(json.dumps({"deployment": {"resources": list(resources)}}))


def promises(**settings: object) -> Promises:
    return Promises(stack="local", settings=DEFAULTS | settings, state=state(
        {"type": "docker:index/container:Container", "urn": "urn:a::b::stealth-xray-writer", "id": "w",
         "inputs": {"name": "stealth-xray-writer"}}))


def test_a_state_is_read_with_its_secrets_in_clear_and_apart() -> None:
    (item,) = state({
        "type": "random:index/randomPassword:RandomPassword", "urn": "urn:a::b::panel-seed", "id": "none",
        "inputs": {"length": 48, "__defaults": []}, "outputs": {"result": SECRET, "nested": [{"x": SECRET}]}}).resources
    assert (item.name, item.id, item.inputs) == ("panel-seed", "none", {"length": 48})
    assert item.outputs == {"result": "hunter2hunter2", "nested": [{"x": "hunter2hunter2"}]}
    assert item.secrets == ("hunter2hunter2",)


def test_a_resource_that_waits_for_its_deletion_is_none() -> None:
    assert state({"type": "t", "urn": "u::x", "delete": True}).resources == ()


def test_only_caddy_may_publish_and_by_the_ports_that_the_settings_say() -> None:
    ports = frozenset({"0.0.0.0:80->80/tcp", "0.0.0.0:8443->443/tcp", "0.0.0.0:8443->443/udp"})
    assert promises(httpsPort=8443).allowed("stealth-caddy").ports == ports
    assert {name for name in FULL if promises().allowed(f"stealth-{name}").ports} == {"caddy"}
    assert ":::443->443/udp" in promises(ipv6=True).published()
    assert promises(ipv6="true").published() == promises(ipv6=True).published()


def test_only_wireguard_may_be_root_and_has_what_its_departure_allows() -> None:
    (row,) = [row for row in exceptions.read() if row.services == ("wireguard",)]
    allowed = promises().allowed("stealth-wireguard")
    assert allowed.capabilities == frozenset(row.allowed["capabilities"]) == {"NET_ADMIN"}
    assert allowed.devices == frozenset(row.allowed["devices"])
    assert allowed.may_be_root
    assert set(allowed.sysctls) == {"net.ipv4.ip_forward", "net.ipv4.conf.all.src_valid_mark"}
    assert "net.ipv6.conf.all.forwarding" in promises(ipv6=True).allowed("stealth-wireguard").sysctls


@pytest.mark.parametrize("name", [name for name in FULL if name not in {"caddy", "wireguard"}])
def test_every_other_service_may_have_nothing(name: str) -> None:
    allowed = promises(allowSysModule=True).allowed(f"stealth-{name}")
    assert dataclasses.replace(allowed, volumes={}) == Allowed(is_promised=True)
    assert all(volume.startswith(f"stealth-{name}-") for place, volume in allowed.volumes.items()
               if place != "/var/lib/certificates")


@pytest.mark.parametrize("name", FULL)
def test_the_policies_allow_the_same_as_is_promised_here(name: str) -> None:
    allowed = promises(ipv6=True, allowSysModule=True).allowed(f"stealth-{name}")
    assert allowed.capabilities - {allowlists.MODULE_CAPABILITY} == allowlists.CAPABILITIES.get(name, frozenset())
    assert allowed.devices == allowlists.DEVICES.get(name, frozenset())
    assert set(allowed.sysctls) == allowlists.SYSCTLS.get(name, frozenset())
    assert allowed.host_folders == allowlists.HOST_FOLDERS.get(name, frozenset())
    assert allowed.may_be_root == (name in allowlists.ROOT_USERS)
    assert {port.rpartition("->")[2] for port in allowed.ports} == allowlists.PORTS.get(name, frozenset())


def test_modules_may_be_loaded_by_wireguard_alone_and_only_if_the_settings_say_so() -> None:
    allowed = promises(allowSysModule=True).allowed("stealth-wireguard")
    assert allowed.capabilities == {"NET_ADMIN", "SYS_MODULE"}
    assert allowed.host_folders == {"/lib/modules"}


def test_a_container_that_nobody_promised_may_have_nothing_by_whatever_name() -> None:
    assert promises().allowed("rogue") == Allowed()
    assert promises().allowed("stealth-rogue-writer") == Allowed()
    assert promises(mode="minimal").allowed("stealth-wireguard") == Allowed()
    assert promises().allowed("stealth-xray-writer") == Allowed(
        is_promised=True, is_writer=True, volumes={"/etc/stealth": "stealth-xray-rendered"})


def test_what_is_stopped_the_settings_say() -> None:
    assert promises(stopped=["xray"]).is_stopped("stealth-xray")
    assert not promises().is_stopped("stealth-xray")
