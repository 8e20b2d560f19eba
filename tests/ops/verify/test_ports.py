from typing import Any

import pytest

from ops.verify import ports
from ops.verify.checks import Verdict
from ops.verify.host import HostFacts, Listener
from tests.ops.verify.samples import PID, changed, facts
from tests.ops.verify.test_promises import promises

EVERY = "0.0.0.0"  # noqa: S104 - what Caddy publishes on
BOUND = {f"{inside}/{transport}": [{"HostIp": EVERY, "HostPort": inside}]
         for inside, transport in (("80", "tcp"), ("443", "tcp"), ("443", "udp"))}


def caddy(**bound: object) -> dict[str, Any]:
    entry = changed("NetworkSettings", Ports={**BOUND, **bound})
    entry["Name"] = "/stealth-caddy"
    return entry


def listener(port: str, name: str, pid: int, address: str = EVERY) -> Listener:
    return Listener(address=address, port=port, transport="tcp", holders=((name, pid),))


WEB = listener("443", "docker-proxy", 9)


def faults(*containers: dict[str, Any], found: HostFacts) -> list[str]:
    return [check.found for check in ports.checks(promises(), containers, found) if check.verdict is not Verdict.KEPT]


def test_caddy_s_three_ports_are_kept_and_other_programs_of_the_machine_are_named() -> None:
    ssh = listener("22", "sshd", 7)
    assert faults(caddy(), found=facts(listeners=(WEB, ssh))) == []
    last = [*ports.checks(promises(), [caddy()], facts(listeners=(WEB, ssh)))][-1]
    assert last.found == "yes; other programs of the machine listen on 22/tcp sshd"


def test_a_missing_port_and_another_publisher_are_found() -> None:
    entry = caddy()
    del entry["NetworkSettings"]["Ports"]["443/udp"]
    rogue = changed("NetworkSettings", Ports={"1/tcp": [{"HostIp": "127.0.0.1", "HostPort": "9999"}]})
    rogue["Name"] = "/rogue"
    assert faults(entry, rogue, found=facts(listeners=(WEB,))) == [
        "rogue publishes 127.0.0.1:9999->1/tcp", "0.0.0.0:443->443/udp is not"]


def test_a_caddy_that_is_stopped_misses_no_port() -> None:
    ssh = listener("22", "sshd", 7)
    found = [*ports.checks(promises(stopped=["caddy"]), [], facts(listeners=(ssh,)))]
    assert [check.found for check in found if check.verdict is not Verdict.KEPT] == []


@pytest.mark.parametrize(("socket", "fault"), [
    (listener("9999", "docker-proxy", 9), "docker-proxy listens on 0.0.0.0:9999/tcp"),
    (listener("9999", "xray", PID), "xray listens on 0.0.0.0:9999/tcp"),
    (listener("2375", "dockerd", 3), "dockerd listens on 0.0.0.0:2375/tcp")])
def test_a_socket_of_a_container_or_of_the_engine_is_found(socket: Listener, fault: str) -> None:
    assert faults(caddy(), changed(), found=facts(listeners=(WEB, socket))) == [fault]


def test_the_engine_may_listen_to_its_own_machine() -> None:
    assert faults(caddy(), found=facts(listeners=(WEB, listener("41234", "containerd", 3, "127.0.0.1")))) == []


@pytest.mark.parametrize(("found", "why"), [
    (HostFacts(is_root=True, listeners=(WEB,), processes={}),
     "the processes of stealth-caddy cannot be told from others"),
    (facts(listeners=()), "no program `ss` there"),
    (facts(listeners=(WEB,), is_root=False), "this user may not see who listens")])
def test_listeners_that_cannot_be_seen_are_not_checked(found: HostFacts, why: str) -> None:
    assert faults(caddy(), found=found) == [why]


def test_a_public_port_that_leads_to_another_one_inside_is_found() -> None:
    entry = caddy()
    entry["NetworkSettings"]["Ports"] = {**BOUND, "2019/tcp": BOUND["443/tcp"], "443/tcp": None}
    assert faults(entry, found=facts(listeners=(WEB,))) == ["0.0.0.0:443->443/tcp is not"]
