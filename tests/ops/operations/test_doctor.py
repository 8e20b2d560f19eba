"""Each check, with the fault that it is there for; and none of them on a server that is well."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops import preflight
from ops.docker import Engine
from ops.errors import OperatorError
from ops.operations.doctor import machine, outside
from ops.operations.doctor.findings import Case
from ops.target import Target
from tests.ops.operations.fakes import NAMES, FakeEngine, entry, ops

ON_EDGE = {str(number): {"Name": f"stealth-{name}"} for number, name in enumerate(NAMES)}
OLD = {"certificates": [{"name": "www.stealth.test", "expires_at": "2001-01-01T00:00:00+00:00", "fault": ""}],
       "warnings": []}
REFUSED = json.dumps({"msg": "could not get certificate from issuer", "identifier": "www.example.com",
                      "error": "connection refused"})


def edge(**changes: Any) -> str:
    return json.dumps([{"IPAM": {"Config": [{"Subnet": "172.20.0.0/16"}]}, "Containers": ON_EDGE, **changes}])


def info(**changes: Any) -> str:
    return json.dumps({"MemoryLimit": True, "CpuCfsQuota": True, "IPv4Forwarding": True, "DockerRootDir": "/",
                       "SystemTime": datetime.now(UTC).isoformat().replace("+00:00", "Z"), **changes})


@pytest.fixture
def well(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """A server and a machine with which nothing is wrong."""
    engine.answers |= {("info",): info(), ("network", "inspect"): edge()}
    monkeypatch.setattr(machine, "TUN", Path("/"))
    monkeypatch.setattr(machine, "synchronised", lambda: "yes")
    monkeypatch.setattr(preflight, "port_faults", lambda *_: [])
    monkeypatch.setattr(Engine, "logs", lambda *_: "")
    return engine


def found() -> list[str]:
    done = ops("doctor")
    assert done.exit_code == 1, done.output
    return done.output.splitlines()


def test_on_a_well_server_nothing_is_found(well: FakeEngine) -> None:
    done = ops("doctor")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Nothing is wrong: looked at engine and kernel, ports, clock,")


@pytest.mark.parametrize(("changes", "fault", "fix"), [
    ({"restarts": 5, "exit_code": 2}, "! xray has ended 5 times and was started again, last with exit code 2.",
     "ops logs xray 200"),
    ({"health": "unhealthy", "said": "refused"}, "! xray is unhealthy: its check said refused.", "ops restart xray"),
    ({"out_of_memory": True}, "! xray was ended by the kernel when it used its 512 MiB of memory.",
     "pulumi config set resourceProfile standard"),
    ({"state": "exited", "exit_code": 137}, "! xray does not run: it is exited, with exit code 137.", "ops start xray"),
    ({"state": "paused"}, "! xray is paused.", "ops start xray")])
def test_a_container_s_fault_is_found_with_its_fix(
    well: FakeEngine, changes: dict[str, Any], fault: str, fix: str,
) -> None:
    well.entries["xray"] = entry("xray", **changes)
    lines = found()
    assert lines[0] == fault
    assert lines[-2].startswith(f"    -> {fix}")
    assert lines[-1] == "1 thing is wrong."


def test_a_restart_loop_shows_the_last_lines_harmlessly(well: FakeEngine) -> None:
    well.entries["xray"] = entry("xray", "restarting", exit_code=1, restarts=4)
    well.answers[("logs",)] = "panic: no such file\x1b[2J\n"
    assert "    panic: no such file\\x1b[2J" in found()


def test_a_missing_container_and_a_missing_server_are_found(well: FakeEngine) -> None:
    del well.entries["xray"]
    assert "! xray has no container." in found()
    well.entries.clear()
    assert found() == ["! Nothing is deployed here.", "    -> make up", "1 thing is wrong."]


def test_memory_that_is_nearly_used_up_is_found(well: FakeEngine) -> None:
    well.answers[("stats",)] = json.dumps(
        {"Name": "stealth-xray", "CPUPerc": "1.00%", "MemUsage": "500MiB / 512MiB"})
    assert "! xray uses 500 of its 512 MiB of memory." in found()


@pytest.mark.parametrize(("changes", "fault"), [
    ({"MemoryLimit": False}, "! The engine's machine cannot limit memory."),
    ({"CpuCfsQuota": False}, "! The engine's machine cannot limit processor time."),
    ({"IPv4Forwarding": False}, "! The engine's machine does not forward IPv4, so that containers reach nothing."),
    ({"SystemTime": (datetime.now(UTC) + timedelta(hours=1)).isoformat()},
     "! The clock of the engine's machine is +3")])
def test_what_the_machine_cannot_do_is_found(well: FakeEngine, changes: dict[str, Any], fault: str) -> None:
    well.answers[("info",)] = info(**changes)
    assert found()[0].startswith(fault)


def test_an_old_engine_and_one_that_does_not_answer_are_found(
    well: FakeEngine, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Engine, "version", lambda _: "20.10.24")
    assert found()[0].startswith("! Docker Engine is 20.10.24, but health checks need 25")

    def silent(_: Engine) -> str:
        raise OperatorError("Docker Engine at unix:///x.sock does not answer: refused.")
    monkeypatch.setattr(Engine, "version", silent)
    assert found() == ["! Docker Engine at unix:///x.sock does not answer: refused.", "    -> toolchain/engine.sh",
                       "1 thing is wrong."]


@pytest.mark.parametrize(("name", "value", "fault"), [
    ("TUN", Path("/nowhere/tun"), "! /nowhere/tun is not there, but WireGuard needs it."),
    ("LEAST_FREE_DISK_BYTES", 1 << 60, "GiB left, but logs, the panel's store and the next build need room."),
    ("LEAST_FREE_MEMORY_BYTES", 1 << 60, "MiB of memory left; the kernel ends processes when there is none."),
    ("synchronised", lambda: "no", "! Nothing keeps this machine's clock right")])
def test_what_the_machine_lacks_is_found(
    well: FakeEngine, monkeypatch: pytest.MonkeyPatch, name: str, value: object, fault: str,
) -> None:
    monkeypatch.setattr(machine, name, value)
    assert fault in found()[0]


def test_a_port_that_somebody_else_holds_is_found(well: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "port_faults", lambda *_: ["port 443/tcp is taken by nginx (process 12)."])
    assert found()[0] == "! port 443/tcp is taken by nginx (process 12)."


@pytest.mark.parametrize(("answer", "fault"), [
    ("[]", "! The network stealth-vpn is not there."),
    (edge(IPAM={"Config": [{"Subnet": "10.0.0.0/16"}]}),
     "! The network stealth-vpn has 10.0.0.0/16, but networkSubnet is 172.20.0.0/16."),
    (edge(Containers={key: value for key, value in ON_EDGE.items() if value["Name"] != "stealth-xray"}),
     "! xray is not on the network stealth-vpn.")])
def test_a_network_s_fault_is_found(well: FakeEngine, answer: str, fault: str) -> None:
    well.answers[("network", "inspect")] = answer
    assert found()[0] == fault


def test_a_certificate_that_ended_or_cannot_be_had_and_the_panel_s_warnings_are_found(
    well: FakeEngine, monkeypatch: pytest.MonkeyPatch,
) -> None:
    well.overview = OLD | {"warnings": ["The audit log was changed."]}
    monkeypatch.setattr(Engine, "logs", lambda *_: REFUSED)
    lines = [line for line in found() if line.startswith("!")]
    assert lines[0].startswith("! Caddy has no certificate for www.example.com: connection refused.")
    assert lines[1:] == ["! The certificate of www.stealth.test has expired.",
                         "! The panel warns: The audit log was changed."]


Where = Callable[[str], set[str]]


@pytest.mark.parametrize(("where", "fault"), [
    (lambda name: set() if name.startswith("q.") else {"8.8.8.8"}, "q.vpn.org leads nowhere"),
    (lambda name: {"10.0.0.1"} if name.startswith("q.") else {"8.8.8.8"}, "q.vpn.org leads to 10.0.0.1, which nobody"),
    (lambda name: {"9.9.9.9"} if name.startswith("q.") else {"8.8.8.8"},
     "q.vpn.org leads to 9.9.9.9, but most names to 8.8.8.8")])
def test_a_name_that_does_not_lead_to_the_server_is_found(where: Where, fault: str) -> None:
    target = replace(Target.read("local"), domain="vpn.org")
    (finding,) = outside.names(Case(Engine("unix:///x.sock"), target), where)
    assert finding.fault.startswith(fault)
    assert finding.fix == "getent ahosts q.vpn.org"


def test_a_domain_that_only_clients_know_is_not_asked_for() -> None:
    def asked(_: str) -> set[str]:
        raise AssertionError
    assert [*outside.names(Case(Engine("unix:///x.sock"), Target.read("local")), asked)] == []


def test_what_is_stopped_is_not_wrong_unless_it_runs(well: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    target = replace(Target.read("local"), stopped=frozenset({"xray"}))
    monkeypatch.setattr(Target, "read", lambda _: target)
    well.entries["xray"] = entry("xray", "exited", out_of_memory=True)
    well.overview["warnings"] = ["xray lacks changes of users."]
    assert ops("doctor").exit_code == 0
    well.entries["xray"] = entry("xray")
    assert found()[0] == "! xray runs, but is to be stopped."


def test_programs_get_the_findings(well: FakeEngine) -> None:
    assert json.loads(ops("doctor", "--json").output) == []
    del well.entries["xray"]
    (first,) = json.loads(ops("doctor", "--json").output)
    assert first == {"check": "containers", "fault": "xray has no container.", "fix": "make up", "details": ""}


@pytest.mark.parametrize(("machine", "fault"), [
    ("on\nfree\n", "! No watchdog runs, so a service that hangs stays so."),
    ('on\nfree\n3\n{"running": true}', "! The watchdog has ended without a word, or hangs."),
    ('on\nheld\n3\n{"running": true, "fault": "no answer"}', "! The watchdog is blind: no answer.")])
def test_a_watchdog_that_does_not_run_or_cannot_look_is_found(well: FakeEngine, machine: str, fault: str) -> None:
    well.machine = machine
    assert found() == [fault, "    -> ops watchdog install", "1 thing is wrong."]


def test_a_watchdog_that_was_switched_off_is_no_fault(well: FakeEngine) -> None:
    well.machine = "off\nfree\n"
    assert ops("doctor").exit_code == 0
