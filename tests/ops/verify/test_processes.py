import dataclasses

import pytest

from ops.verify import processes
from ops.verify.checks import Verdict
from ops.verify.host import HostFacts
from ops.verify.promises import Allowed, Promises
from ops.verify.state import CONTAINER, Resource, State
from tests.ops.verify.samples import ID, PID, changed, facts, process

FOREIGN = Allowed()
STATE = State(resources=(
    Resource(kind=CONTAINER, name="stealth-xray", id=ID, outputs={}, secrets=(), inputs={
        "name": "stealth-xray", "tmpfs": {"/run": "rw"},
        "mounts": [{"target": "/etc/stealth", "source": "stealth-xray-rendered", "readOnly": True}]}),
    Resource(kind=CONTAINER, name="stealth-xray-writer", id="w", outputs={}, secrets=(), inputs={
        "name": "stealth-xray-writer", "uploads": [
            {"file": "/etc/stealth/config.json", "permissions": "0400", "owner": "10002", "group": "10002"}]})))
PROMISES = Promises(stack="local", settings={"mode": "full", "allowSysModule": False, "ipv6": False}, state=STATE)


def faults(found: HostFacts, allowed: Allowed = FOREIGN, *, has_apparmor: bool = False) -> list[str]:
    checks = processes.checks(changed(), allowed, PROMISES, found, has_apparmor=has_apparmor, remedy="")
    return [check.found for check in checks if check.verdict is not Verdict.KEPT]


def test_processes_as_promised_are_kept_and_counted() -> None:
    assert faults(facts(process())) == []
    (first, *_) = processes.checks(changed(), FOREIGN, PROMISES, facts(process()), has_apparmor=False, remedy="")
    assert first.found == "yes, 2 of them"


@pytest.mark.parametrize(("status", "fault"), [
    ({"NoNewPrivs": "0"}, "xray may gain privileges"), ({"Seccomp": "0"}, "xray calls the kernel unfiltered"),
    ({"Uid": "10002\t0\t10002\t10002"}, "xray runs as root"),
    ({"Gid": "0\t0\t0\t0"}, "xray runs with root's group"), ({"CapEff": "0000000000001000"}, "xray uses NET_ADMIN"),
    ({"CapBnd": "00000000a80425fb"}, "xray may gain 14 capabilities"),
    ({"CapAmb": "0000000000000400"}, "xray passes on capability 10")])
def test_each_fault_of_any_process_is_found_and_not_of_the_first_alone(status: dict[str, str], fault: str) -> None:
    assert faults(facts(process(), process(**status))) == [fault]


def test_a_capability_of_the_table_is_let_pass_and_root_where_it_says_so() -> None:
    root = process(Uid="0\t0\t0\t0", CapEff="0000000000001000", CapBnd="0000000000001000")
    assert faults(facts(root), Allowed(capabilities=frozenset({"NET_ADMIN"}), may_be_root=True)) == []


def test_apparmor_is_asked_for_where_the_engine_has_it() -> None:
    for profile in ("unconfined", "docker-default (complain)", "docker-default-mine (enforce)"):
        second = dataclasses.replace(process(), confinement=profile)
        assert faults(facts(second), has_apparmor=True) == [f"xray has the profile {profile}"]
        assert faults(facts(second)) == []
    assert faults(facts(process()), has_apparmor=True) == []


@pytest.mark.parametrize(("found", "why"), [
    (facts(is_root=False), "this user may not see all of /proc"),
    (HostFacts(is_root=True, listeners=(), processes={}, mounts=facts().mounts),
     "its processes cannot be told from others"),
    (HostFacts(is_root=True, listeners=(), processes={PID: dataclasses.replace(process(), namespace="")},
               mounts=facts().mounts), "its processes cannot be told from others"),
    (facts(dataclasses.replace(process(), status={"Name": "odd", "Uid": "1"})), "the kernel tells too little of odd"),
    (facts(mounts={PID: ("1 2 0:1 / / rw - ext4 disk rw",)}), "the engine's processes are not those of this machine")])
def test_what_cannot_be_seen_is_not_checked_and_says_why(found: HostFacts, why: str) -> None:
    (check,) = processes.checks(changed(), FOREIGN, PROMISES, found, has_apparmor=False, remedy="")
    assert (check.verdict, check.found) == (Verdict.NOT_CHECKED, why)


LINES = (
    "1 0 0:1 / / ro,relatime - overlay overlay rw", "2 1 0:2 / /run rw,nosuid,nodev,noexec - tmpfs tmpfs rw",
    "3 1 0:3 /v /etc/stealth ro - ext4 disk rw", f"4 1 0:3 /x/{ID}/hosts /etc/hosts rw - ext4 disk rw",
    "5 1 0:4 / /proc rw - proc proc rw")
PROMISED = Allowed(is_promised=True, sysctls={"net.ipv4.ip_forward": "1"})
FILES = ("400 10002:10002 /etc/stealth/config.json",)


@pytest.mark.parametrize(("old", "new", "fault"), [
    ("", "", ""), ("/ ro,relatime", "/ rw", "/ is writable"),
    ("/etc/stealth ro", "/etc/stealth rw", "/etc/stealth is writable"),
    ("nodev,noexec", "x", "/run lacks nodev, noexec"),
    ("/run rw", "/other rw", "/other was mounted beside them; /run is not mounted"),
    ("/proc rw", "/root rw", "/root was mounted beside them")])
def test_mounts_are_compared_with_their_flags(old: str, new: str, fault: str) -> None:
    found = facts(mounts={PID: tuple(line.replace(old, new) for line in LINES)}, files={PID: FILES},
                  parameters={PID: {"net.ipv4.ip_forward": "1"}})
    assert faults(found, PROMISED) == ([fault] if fault else [])


@pytest.mark.parametrize(("files", "fault"), [
    ((), "/etc/stealth/config.json is missing instead of 400 10002:10002"),
    (("444 10002:10002 /etc/stealth/config.json",),
     "/etc/stealth/config.json is 444 10002:10002 instead of 400 10002:10002"),
    ((*FILES, "400 0:0 /etc/stealth/more"), "/etc/stealth/more is 400 0:0 instead of none")])
def test_delivered_files_are_compared_with_their_modes_and_owners(files: tuple[str, ...], fault: str) -> None:
    found = facts(mounts={PID: LINES}, files={PID: files}, parameters={PID: {"net.ipv4.ip_forward": "1"}})
    assert faults(found, PROMISED) == [fault]


def test_a_kernel_parameter_that_was_changed_later_is_found() -> None:
    found = facts(mounts={PID: LINES}, files={PID: FILES}, parameters={PID: {"net.ipv4.ip_forward": "0"}})
    assert faults(found, PROMISED) == ["net.ipv4.ip_forward is 0 instead of 1"]
