"""What is found of volumes, and of containers that are not the server's."""

import json
from typing import Any

import pytest

from tests.ops.operations.doctor.conftest import Tell
from tests.ops.operations.doctor.machine import VOLUME
from tests.ops.operations.fakes import FakeEngine


@pytest.mark.parametrize(("file", "fault", "fix"), [
    ("0 0 600 f", "xray may not write /var/lib/xray/users.json in its volume stealth-xray-data: it belongs to 0:0 with "
                  "mode 600, and xray is 10002.", f"sudo sh -c 'chown -R 10002:10002 {VOLUME}'"),
    ("10002 10002 200 f", "xray may not write /var/lib/xray/users.json in its volume stealth-xray-data: it belongs to "
                          "10002:10002 with mode 200, and xray is 10002.", f"sudo sh -c 'chmod -R u+rwX {VOLUME}'")])
def test_a_file_that_its_service_cannot_use_is_found(
    machine: Tell, found: Any, file: str, fault: str, fix: str,
) -> None:
    machine(files=f"10002 10002 755 d {VOLUME}\n{file} {VOLUME}/users.json")
    (first,) = found()
    assert (first["name"], first["fault"], first["fix"]) == ("volume-permissions", fault, fix)


@pytest.mark.parametrize(("file", "is_read_only", "groups"), [
    ("10002 10002 400 f", True, []), ("0 0 444 f", True, []), ("0 10009 640 f", True, ["10009"]),
    ("10001 10002 660 f", False, []), ("10002 10002 400 f", False, [])])
def test_a_file_that_its_service_can_use_is_no_fault(
    well: FakeEngine, machine: Tell, found: Any, file: str, groups: list[str], *, is_read_only: bool,
) -> None:
    well.entries["xray"]["Mounts"][0]["RW"] = not is_read_only
    well.entries["xray"]["HostConfig"]["GroupAdd"] = groups
    machine(files=f"10002 10002 755 d {VOLUME}\n{file} {VOLUME}/users.json")
    assert found() == []


def test_root_without_rights_is_a_user_like_any_other(well: FakeEngine, machine: Tell, found: Any) -> None:
    well.entries["xray"]["Config"]["User"] = "0:0"
    machine(files=f"0 0 755 d {VOLUME}\n10002 10002 600 f {VOLUME}/users.json")
    assert [item["name"] for item in found()] == ["volume-permissions"]


def test_a_volume_whose_folder_is_gone_is_found_but_not_by_who_may_not_look(machine: Tell, found: Any) -> None:
    machine(files="")
    assert [item["name"] for item in found()] == ["volume-lost"]
    machine(files="", user="1000")
    assert found() == []


def stranger(name: str, *volumes: str, labels: dict[str, str] | None = None, runs: bool = False) -> dict[str, Any]:
    return {"Name": f"/{name}", "Config": {"Labels": labels, "Hostname": name}, "State": {"Running": runs},
            "Mounts": [{"Type": "volume", "Name": volume} for volume in volumes]}


@pytest.mark.parametrize(("container", "name", "fix"), [
    (stranger("guest", "stealth-xray-data"), "volume-shared", "docker rm --force guest"),
    (stranger("stealth-old"), "name-taken", "docker rm --force stealth-old"),
    (stranger("stealth-old", labels={"org.stealth-vpn.stack": "other"}), "name-taken", "docker rm --force stealth-old"),
    (stranger("moved", labels={"org.stealth-vpn.stack": "local"}), "container-renamed",
     "docker rename moved stealth-moved"),
    (stranger("stealth-probe", "stealth-xray-data", labels={"org.stealth-vpn.probe": "local"}), "probe-left",
     "docker rm --force stealth-probe")])
def test_a_container_in_the_way_is_found(
    well: FakeEngine, found: Any, container: dict[str, Any], name: str, fix: str,
) -> None:
    well.answers |= {("ps", "--all"): "one", ("container", "inspect"): json.dumps([container])}
    (first,) = found()
    assert (first["name"], first["fix"]) == (name, fix)


def test_a_probe_at_work_is_not_taken_away(well: FakeEngine, found: Any) -> None:
    container = stranger("stealth-probe", labels={"org.stealth-vpn.probe": "local"}, runs=True)
    well.answers |= {("ps", "--all"): "one", ("container", "inspect"): json.dumps([container])}
    assert found()[0]["repairable"] is False


def test_others_and_our_writers_are_no_fault(well: FakeEngine, found: Any) -> None:
    others = [stranger("nginx", "web"), stranger("stealth-xray-writer", labels={"org.stealth-vpn.stack": "local"}),
              stranger("stealth-xray", labels={"org.stealth-vpn.stack": "local"})]
    well.answers |= {("ps", "--all"): "one", ("container", "inspect"): json.dumps(others)}
    assert found() == []
