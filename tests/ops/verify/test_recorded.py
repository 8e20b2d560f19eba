"""The comparison with the state, over what a real engine and a real state told (record.py)."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from ops.verify import containers, deployed, images, networks
from ops.verify.checks import Check, Verdict
from ops.verify.inspect import Observed
from ops.verify.promises import Promises
from ops.verify.state import State
from tests.ops.verify.record import FILE
from tests.ops.verify.samples import facts
from tests.ops.verify.test_promises import DEFAULTS

RECORDED: dict[str, Any] = json.loads(FILE.read_text())
Change = Callable[[dict[str, Any]], object]


def checks(change: Change = lambda _: None, **settings: object) -> list[Check]:
    """Compare everything that was recorded, after a change to it or to the settings."""
    told = copy.deepcopy(RECORDED)
    change(told)
    promises = Promises(stack="local", settings=DEFAULTS | {"mode": "minimal"} | settings,
                        state=State.parse(json.dumps(told.pop("state"))))
    observed = Observed(**told)
    entries = containers.chosen(promises, observed, (), only_own=False)
    return [*containers.checks(promises, observed, entries),
            *containers.of_processes(promises, observed, entries, facts(is_root=False)),
            *networks.checks(promises, observed), *images.checks(promises, observed)]


def faults(change: Change, **settings: object) -> set[str]:
    return {f"{check.subject}: {check.found}" for check in checks(change, **settings)
            if check.verdict is Verdict.DIFFERS}


def container(told: dict[str, Any], name: str = "stealth-caddy") -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in told["containers"] if entry["Name"] == f"/{name}")
    return found


def named(told: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in told[kind] if entry["Name"] == name)
    return found


def test_what_was_recorded_keeps_every_promise() -> None:
    assert {check.found for check in checks() if check.verdict is Verdict.DIFFERS} == set()
    assert {check.subject for check in checks()} >= {"stealth-caddy", "stealth-admin-writer", "stealth-vpn", "volumes"}


def join_management(told: dict[str, Any]) -> None:
    """Let state and engine agree that Caddy is on the management network."""
    (made,) = [item for item in told["state"]["deployment"]["resources"] if item["urn"].endswith("::stealth-caddy")]
    made["inputs"]["networksAdvanced"].append({"name": "stealth-control"})
    named(told, "networks", "stealth-control")["Containers"][made["id"]] = {"Name": "stealth-caddy"}


def host(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = container(told)["HostConfig"]
    return found


def config(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = container(told)["Config"]
    return found


@pytest.mark.parametrize(("change", "fault"), [
    (lambda told: container(told).update(Id="f" * 64), "it was made by somebody else"),
    (lambda told: container(told)["State"].update(Status="exited"), "it is exited and healthy"),
    (lambda told: container(told)["State"]["Health"].update(Status="unhealthy"), "it is running and unhealthy"),
    (lambda told: container(told).update(Image="sha256:other"), "it runs another image"),
    (lambda told: config(told).update(User="10001:0"), "10001:0 instead of 10001:10001"),
    (lambda told: host(told).update(GroupAdd=["999"]), "999 instead of none"),
    (lambda told: host(told).update(CapAdd=["CAP_NET_BIND_SERVICE"]), "NET_BIND_SERVICE instead of none"),
    (lambda told: host(told).update(Memory=1 << 20), "memory: 1048576 instead of"),
    (lambda told: host(told).update(MemorySwap=-1), "memory with swap: -1 instead of"),
    (lambda told: host(told).update(MemoryReservation=1), "reserved memory: 1 instead of"),
    (lambda told: host(told).update(NanoCpus=9), "CPU: 9 instead of"),
    (lambda told: host(told).update(CpuShares=9), "CPU shares: 9 instead of"),
    (lambda told: host(told)["Ulimits"].pop(), "instead of nofile (16384, 16384), nproc (512, 512)"),
    (lambda told: config(told)["Healthcheck"].update(Test=["CMD", "/bin/true"]), "the command is another"),
    (lambda told: config(told)["Healthcheck"].update(Interval=10**12), "interval: 1000000000000 instead of"),
    (lambda told: config(told)["Healthcheck"].update(Retries=99), "retries: 99 instead of 3"),
    (lambda told: host(told)["RestartPolicy"].update(Name="no"), "no instead of always"),
    (lambda told: host(told)["LogConfig"]["Config"].update({"max-size": "9g"}), "max-size 9g instead of"),
    (lambda told: host(told)["Tmpfs"].update({"/x": ""}), "/x "),
    (lambda told: host(told).update(Sysctls={"net.ipv4.ip_forward": "1"}), "net.ipv4.ip_forward 1 instead of none"),
    (lambda told: host(told)["PortBindings"].pop("443/udp"), "0.0.0.0:443->443/tcp, 0.0.0.0:80->80/tcp instead of"),
    (lambda told: config(told).update(Cmd=["x"]), "its command is another"),
    (lambda told: config(told).update(Entrypoint=["/bin/x"]), "its entry point is another"),
    (lambda told: config(told)["Env"].append("MORE=1"), "its environment differs in MORE"),
    (lambda told: config(told)["Env"].remove("TZ=UTC"), "its environment differs in TZ"),
    (lambda told: config(told)["Labels"].update(more="1"), "its labels differ in more"),
    (lambda told: config(told)["Labels"].update({"org.stealth-vpn.config-sha256": "1"}),
     "its labels differ in org.stealth-vpn.config-sha256"),
    (lambda told: container(told)["Mounts"].pop(), " is missing"),
    (lambda told: [mount.update(RW=True) for mount in container(told)["Mounts"]],
     "stealth-caddy-rendered at /etc/stealth to read is missing; stealth-caddy-rendered at /etc/stealth was added"),
    (lambda told: container(told)["NetworkSettings"]["Networks"].update({"stealth-control": {}}),
     "stealth-control was added"),
    (lambda told: container(told)["NetworkSettings"]["Networks"]["stealth-vpn"]["IPAMConfig"].update(
        IPv4Address="172.20.0.99"), "stealth-vpn 172.20.0.10 is missing; stealth-vpn 172.20.0.99 was added"),
])
def test_each_difference_of_a_container_from_the_state_is_found(change: Change, fault: str) -> None:
    found = faults(change)
    assert any(text.startswith("stealth-caddy: ") and fault in text for text in found), found


@pytest.mark.parametrize(("change", "fault"), [
    (lambda told: told["containers"].remove(container(told)), "stealth-caddy: the engine has no such container"),
    (lambda told: container(told).update(Name="/by-hand"), "by-hand: nobody promised it"),
    (lambda told: told["state"]["deployment"]["resources"].clear(), "stealth-caddy: the state knows no such container"),
    (lambda told: container(told, "stealth-admin-writer")["State"].update(Status="exited"),
     "stealth-admin-writer: it was started, and has read the files that it carried"),
    (lambda told: named(told, "networks", "stealth-control").update(Internal=False),
     "stealth-control: it leads to the internet"),
    (lambda told: named(told, "networks", "stealth-vpn").update(Driver="macvlan"),
     "stealth-vpn: its driver is macvlan"),
    (lambda told: named(told, "networks", "stealth-vpn").update(Attachable=True),
     "stealth-vpn: others may attach to it"),
    (lambda told: named(told, "networks", "stealth-vpn").update(Labels={}),
     "stealth-vpn: it carries another stack's label, or none"),
    (lambda told: named(told, "networks", "stealth-vpn")["IPAM"]["Config"][0].update(Subnet="10.0.0.0/8"),
     "stealth-vpn: 10.0.0.0/8 instead of 172.20.0.0/16"),
    (lambda told: named(told, "networks", "stealth-vpn")["Containers"].update({"e" * 64: {"Name": "by-hand"}}),
     "stealth-vpn: by-hand is on it"),
    (lambda told: named(told, "networks", "stealth-vpn")["Containers"].update({"e" * 64: {"Name": "stealth-caddy"}}),
     "stealth-vpn: stealth-caddy is on it"),
    (join_management, "stealth-control: stealth-caddy is on it"),
    (lambda told: told["networks"].pop(0), ": it does not exist"),
    (lambda told: named(told, "networks", "stealth-vpn").update(Name="stealth-third"),
     "networks: there is stealth-third"),
    (lambda told: named(told, "volumes", "stealth-admin-data").update(Options={"device": "/etc", "o": "bind"}),
     "stealth-admin-data: its driver is local with options device, o"),
    (lambda told: named(told, "volumes", "stealth-admin-data").update(Name="stealth-more"),
     "volumes: there is stealth-more"),
    (lambda told: told["images"].clear(), "stealth-vpn/caddy:local: the engine does not have it"),
    (lambda told: [image.update(RepoTags=[]) for image in told["images"]],
     "stealth-vpn/caddy:local: its name leads to another image"),
])
def test_each_other_difference_is_found(change: Change, fault: str) -> None:
    found = faults(change)
    assert any(fault in text for text in found), found


def stop_caddy(told: dict[str, Any], status: str) -> None:
    """Let state and engine agree that Caddy is stopped; one that was made so has not told its networks yet."""
    (made,) = [item for item in told["state"]["deployment"]["resources"] if item["urn"].endswith("::stealth-caddy")]
    made["inputs"].update(restart="no", mustRun=False, start=False)
    host(told)["RestartPolicy"] = {"Name": "no"}
    entry = container(told)
    entry["State"].update(Status=status, Running=False, Pid=0)
    entry["NetworkSettings"].update(Ports={}, **({"Networks": {}} if status == "created" else {}))


@pytest.mark.parametrize("status", ["exited", "created"])
def test_what_is_stopped_keeps_its_promises_by_not_running(status: str) -> None:
    assert faults(lambda told: stop_caddy(told, status), stopped=["caddy"]) == set()
    assert any("it is" in text for text in faults(lambda told: stop_caddy(told, status)))
    assert faults(lambda _: None, stopped=["caddy"]) >= {"stealth-caddy: it runs"}


def test_without_root_no_process_is_called_good() -> None:
    unseen = {check.subject for check in checks() if check.verdict is Verdict.NOT_CHECKED}
    assert unseen == {"stealth-admin", "stealth-caddy"}


@pytest.mark.parametrize(("text", "count"), [("30s", 30 * 10**9), ("1m30s", 90 * 10**9), ("500ms", 5 * 10**8), ("", 0)])
def test_durations_are_read_as_the_engine_keeps_them(text: str, count: int) -> None:
    assert deployed.nanoseconds(text) == count
