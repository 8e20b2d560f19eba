"""What is found of the networks."""

from dataclasses import replace
from typing import Any

import pytest

from ops.target import Target
from tests.ops.operations.doctor.conftest import Tell
from tests.ops.operations.doctor.machine import BRIDGE, PARTS, control, edge, members
from tests.ops.operations.fakes import FakeEngine

EDGE, CONTROL = ("network", "inspect", "stealth-vpn"), ("network", "inspect", "stealth-control")


def moved() -> dict[str, Any]:
    there = dict(members("20"))
    return {**there, "xray": {"Name": "stealth-xray", "IPv4Address": "172.20.0.99/16"}}


@pytest.mark.parametrize(("words", "answer", "name", "fault", "fix"), [
    (EDGE, "[]", "network-missing", "The network stealth-vpn is not there.", "make up"),
    (EDGE, edge(IPAM={"Config": [{"Subnet": "172.22.0.0/16"}]}, Containers={}), "network-other-subnet",
     "The network stealth-vpn has 172.22.0.0/16, but networkSubnet is 172.20.0.0/16.", "make up"),
    (EDGE, edge(Containers=members("20", "xray")), "network-left", "xray is not on the network stealth-vpn.",
     "docker network connect --ip 172.20.0.11 stealth-vpn stealth-xray"),
    (CONTROL, control(Containers=members("21", "caddy", "xray")), "network-left",
     "xray is not on the network stealth-control.",
     "docker network connect --ip 172.21.0.11 stealth-control stealth-xray"),
    (EDGE, edge(Containers=moved()), "network-other-address",
     "xray has 172.20.0.99 on the network stealth-vpn, but must have 172.20.0.11.",
     "docker network disconnect stealth-vpn stealth-xray && "
     "docker network connect --ip 172.20.0.11 stealth-vpn stealth-xray")])
def test_a_network_s_fault_is_found(
    well: FakeEngine, found: Any, words: tuple[str, ...], answer: str, name: str, fault: str, fix: str,
) -> None:
    well.answers[words] = answer
    first = next(item for item in found() if item["name"] == name)
    assert (first["fault"], first["fix"]) == (fault, fix)


@pytest.mark.parametrize(("part", "text", "name", "fault"), [
    ("links", PARTS["links"].replace(f"{BRIDGE} 1500 0x1003", f"{BRIDGE} 1500 0x1002"), "bridge-down",
     f"The interface {BRIDGE} of the network stealth-vpn is down."),
    ("links", PARTS["links"].replace("eth0 1500", "eth0 1200"), "packets-small",
     "The interface eth0 carries packets of 1200 bytes"),
    ("routes", PARTS["routes"] + "\n172.20.8.0/24 via 10.0.0.1 dev wg1", "network-overlaps",
     "wg1 of the engine's machine leads to 172.20.8.0/24, which are addresses of the containers' network 172.20.0.0")])
def test_what_the_machine_tells_of_a_network_is_judged(
    machine: Tell, found: Any, part: str, text: str, name: str, fault: str,
) -> None:
    machine(**{part: text})
    (first,) = found()
    assert first["name"] == name
    assert first["fault"].startswith(fault)


def test_ipv6_that_is_asked_for_and_not_there_is_found(
    well: FakeEngine, machine: Tell, found: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = replace(Target.read("local"), ipv6=True)
    monkeypatch.setattr(Target, "read", lambda _: target)
    assert [item["name"] for item in found()] == ["network-without-ipv6", "ipv6-missing"]
    well.answers[EDGE] = edge(EnableIPv6=True)
    machine(routes6="default via fe80::1 dev eth0")
    assert found() == []
