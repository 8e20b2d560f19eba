"""Drift on the real server: nothing on a well one, each harm by its name, and healing that mends just that."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.deployment import SERVICES, STACK, Server, docker, healthy, ids, inspect
from tests.e2e.test_verify import ROGUE, by_hand

pytestmark = pytest.mark.integration


@dataclass(frozen=True, kw_only=True)
class Harm:
    """What somebody does by hand, and how it must be told."""

    title: str
    commands: tuple[str, ...]
    found: frozenset[tuple[str, ...]]
    """Subject, property and what is now of each finding."""

    replaced: frozenset[str] = frozenset()
    """Services that get a new container when it is healed."""


def harm(title: str, *commands: str, found: set[tuple[str, ...]], replaced: tuple[str, ...] = ()) -> Harm:
    return Harm(title=title, commands=commands, found=frozenset(found), replaced=frozenset(replaced))


HARMS = [
    harm("removed", "rm --force stealth-trojan", found={("service trojan", "container", "gone")},
         replaced=("trojan",)),
    harm("stopped by hand", "stop --time 1 stealth-trojan", found={("service trojan", "runs", "no")}),
    harm("paused", "pause stealth-trojan", found={("service trojan", "runs", "no")}),
    harm("restart policy", "update --restart no stealth-xray", found={("service xray", "restart policy", "no")}),
    harm("processor", "update --cpus 0.25 stealth-singbox", found={("service singbox", "CPU cores", "0.25")},
         replaced=("singbox",)),
    harm("off a network", "network disconnect stealth-control stealth-trojan",
         found={("service trojan", "networks", "stealth-vpn 172.20.0.12")}, replaced=("trojan",)),
    harm("files with their volume", "rm --force stealth-trojan stealth-trojan-writer",
         "volume rm stealth-trojan-rendered", replaced=("trojan",),
         found={("service trojan", "container", "gone"), ("container stealth-trojan-writer", "container", "gone"),
                ("volume stealth-trojan-rendered", "volume", "gone")}),
]
# One that is made anew, one that is changed back in place, one that is replaced for it.
_USUAL = {"removed", "restart policy", "processor"}


def looked(server: Server) -> dict[str, Any]:
    """Look as a program does, which gets one document, and nothing else, on standard output."""
    done = server.run("sh", "-c", "exec python -m ops drift --json 2>/dev/null")
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        pytest.fail(done.stdout + server.ops("drift").stdout)
    assert done.returncode == found["exit_code"] == (3 if found["drift"] else 0), found
    return found


def told(server: Server) -> set[tuple[str, ...]]:
    return {(item["subject"], item["property"], item["now"]) for item in looked(server)["drift"]}


def state(server: Server) -> bytes:
    return (server.folder / ".pulumi" / "stacks" / "stealth-vpn" / f"{STACK}.json").read_bytes()


def test_a_server_as_it_was_deployed_has_no_drift_and_looking_changes_nothing(deployed: Server) -> None:
    before = (ids(), state(deployed))
    found = looked(deployed)
    assert (found["drift"], found["pending"], found["pending_fault"]) == ([], [], "")
    assert (ids(), state(deployed)) == before
    said = deployed.run("make", "drift")
    assert said.returncode == 0, said.stdout
    assert said.stdout.splitlines()[-1] == "No drift: what runs is what was deployed."


@pytest.mark.parametrize("done", [
    pytest.param(one, marks=[] if one.title in _USUAL else [pytest.mark.long], id=one.title) for one in HARMS])
def test_each_harm_is_found_by_name_and_healing_mends_just_that(deployed: Server, done: Harm) -> None:
    before = ids()
    for command in done.commands:
        docker(*command.split())
    known = state(deployed)
    assert told(deployed) == done.found
    assert state(deployed) == known, "a look has changed the state"
    status = deployed.ops("status")
    assert (status.returncode, "! Drift was found at " in status.stdout) == (1, True), status.stdout
    healed = deployed.ops("drift", "--heal", "--yes")
    assert healed.returncode == 0, healed.stdout
    assert healed.stdout.splitlines()[-1] == "No drift: what runs is what was deployed."
    after = ids()
    assert {name for name in SERVICES if after[name] != before[name]} == done.replaced
    assert healthy() == set(SERVICES)
    assert "Drift: none " in deployed.ops("status").stdout


def test_a_container_that_joined_is_found_and_left_for_a_person(deployed: Server) -> None:
    before = ids()
    with by_hand(network="stealth-control"):
        found = looked(deployed)["drift"]
        assert {(item["subject"], item["now"]) for item in found} == {
            (f"container {ROGUE}", "nobody promised it"), ("network stealth-control", f"{ROGUE} is on it")}
        assert any(f"docker rm --force {ROGUE}" in item["remedy"] for item in found)
        healed = deployed.ops("drift", "--heal", "--yes")
        assert healed.returncode == 3, healed.stdout
        assert inspect_of_rogue()["State"]["Running"], "healing removes nothing that may be somebody's"
    assert told(deployed) == set()
    assert ids() == before


def inspect_of_rogue() -> dict[str, Any]:
    (entry,) = json.loads(docker("inspect", ROGUE))
    found: dict[str, Any] = entry
    return found


def test_a_process_with_more_rights_is_found_by_name_until_it_is_ended(deployed: Server) -> None:
    docker("exec", "--detach", "--privileged", "--user", "0", "stealth-wireguard", "sleep", "9999")
    try:
        found = looked(deployed)["drift"]
        assert {item["subject"] for item in found} == {"service wireguard"}
        assert any(item["now"].startswith("sleep ") for item in found), found
    finally:
        docker("exec", "stealth-wireguard", "sh", "-c", "kill $(grep -l 9999 /proc/[0-9]*/cmdline | cut -d/ -f3)",
               check=False)
    assert told(deployed) == set()


def test_a_service_that_ops_stop_stopped_is_no_drift(deployed: Server) -> None:
    said = deployed.ops("stop", "xray")
    assert said.returncode == 0, said.stdout
    found = looked(deployed)
    assert (found["drift"], found["pending"]) == ([], [])
    assert deployed.ops("start", "xray").returncode == 0
    assert looked(deployed)["drift"] == []


def test_a_configuration_that_waits_is_told_apart_and_is_not_deployed_by_healing(deployed: Server) -> None:
    before = ids()
    deployed.configure(dnsServers=["9.9.9.9"], httpPort=8080)
    found = looked(deployed)
    assert found["drift"] == []
    assert {"service xray", "service caddy"} <= {item["subject"] for item in found["pending"]}
    docker("stop", "--time", "1", "stealth-trojan")
    assert told(deployed) == {("service trojan", "runs", "no")}
    refused = deployed.ops("drift", "--heal", "--yes")
    assert refused.returncode == 1
    assert "healing would also deploy what is not deployed yet" in refused.stdout
    assert inspect("trojan")["State"]["Running"] is False
    deployed.configure(httpsPort=0)
    assert "httpsPort is 0" in looked(deployed)["pending_fault"]
    deployed.configure()
    assert deployed.ops("drift", "--heal", "--yes").returncode == 0
    assert ids() == before
    assert healthy() == set(SERVICES)
