"""What is found of the engine and its machine."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.docker import Engine
from ops.errors import OperatorError
from ops.operations.doctor.facts import Facts
from ops.target import Target
from tests.ops.operations.doctor.conftest import Tell
from tests.ops.operations.doctor.machine import PARTS, info
from tests.ops.operations.fakes import FakeEngine

SOON = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 41943040 40894464 1048576 98% /"
FULL = "Filesystem Inodes IUsed IFree IUse% Mounted on\n/dev/vda1 2621440 2621000 440 100% /"
USED_UP = "[99000.5] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task_memcg=/system.slice,task=mysqld,pid=9"


@pytest.mark.parametrize(("changes", "name", "fault"), [
    ({"MemoryLimit": False}, "memory-limits-missing", "The engine's machine cannot limit memory."),
    ({"CpuCfsQuota": False}, "processor-limits-missing", "The engine's machine cannot limit processor time."),
    ({"SystemTime": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}, "clock-off",
     "The clock of the engine's machine is +3")])
def test_what_the_engine_tells_is_judged(
    well: FakeEngine, found: Any, changes: dict[str, Any], name: str, fault: str,
) -> None:
    well.answers[("info",)] = info(**changes)
    (first,) = found()
    assert first["name"] == name
    assert first["fault"].startswith(fault)


@pytest.mark.parametrize(("part", "text", "name", "fault"), [
    ("parameters", "net/ipv4/ip_forward:0", "forwarding-off",
     "The engine's machine does not forward IPv4, so that containers reach nothing."),
    ("tun", "1:3", "tun-missing", "/dev/net/tun is not there, but WireGuard needs it."),
    ("disk", SOON, "disk-full", "/ of the engine's machine has 1.0 GiB left"),
    ("inodes", FULL, "inodes-full", "/ of the engine's machine has room for 440 more files only."),
    ("filesystems", "/dev/vda1 / ext4 ro,relatime 0 0", "disk-read-only",
     "/ of the engine's machine is mounted read-only"),
    ("memory", "MemTotal:  2097152 kB\nMemAvailable:    65536 kB\nSwapTotal:   0 kB", "memory-full",
     "The engine's machine has 64 MiB of memory left"),
    ("memory", "MemTotal:   524288 kB\nMemAvailable:   262144 kB\nSwapTotal:   0 kB", "swap-missing",
     "The engine's machine has 512 MiB of memory and no swap"),
    ("kills", USED_UP, "memory-used-up",
     "The machine's memory was used up within the last day, and its kernel ended mysqld"),
    ("synchronised", "no", "clock-not-kept", "Nothing keeps the clock of the engine's machine right"),
    ("enabled", "disabled", "engine-not-enabled", "Docker does not start by itself after a reboot"),
    ("parameters", "net/netfilter/nf_conntrack_count:65000\nnet/netfilter/nf_conntrack_max:65536", "connections-full",
     "The kernel follows 65000 of at most 65536 connections"),
    ("parameters", "fs/file-nr:980\t0\t1000", "files-full", "980 of at most 1000 files are open")])
def test_what_the_machine_lacks_is_found(
    machine: Tell, found: Any, part: str, text: str, name: str, fault: str,
) -> None:
    machine(**{part: text})
    (first,) = found()
    assert first["name"] == name
    assert first["fault"].startswith(fault)


def test_a_small_machine_with_swap_is_no_fault(machine: Tell, found: Any) -> None:
    machine(memory="MemTotal:   524288 kB\nMemAvailable:   262144 kB\nSwapTotal:   2097152 kB")
    assert found() == []


def test_what_the_kernel_ended_long_ago_is_past(machine: Tell, found: Any) -> None:
    machine(kills=USED_UP.replace("99000.5", "10.5"))
    assert found() == []


def test_a_machine_that_nobody_may_look_at_is_found_and_the_rest_is_looked_at(
    well: FakeEngine, found: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def closed(*_: object) -> Facts:
        raise OperatorError("no")
    monkeypatch.setattr(Facts, "of", closed)
    well.entries["xray"]["State"]["Status"] = "paused"
    assert [item["name"] for item in found()] == ["machine-closed", "container-paused"]


def test_an_old_engine_and_one_that_does_not_answer_are_found(
    well: FakeEngine, found: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Engine, "version", lambda _: "20.10.24")
    (first,) = found()
    assert first["fault"].startswith("Docker Engine is 20.10.24, but health checks need 25")

    def silent(_: Engine) -> str:
        raise OperatorError("Docker Engine at unix:///x.sock does not answer: refused.")
    monkeypatch.setattr(Engine, "version", silent)
    (first,) = found()
    assert first["name"] == "engine-silent"
    assert first["fault"] == "Docker Engine at unix:///x.sock does not answer: refused."
    assert first["fix"].endswith("toolchain/engine.sh")


@pytest.mark.parametrize(("changes", "publishers", "fault", "fix"), [
    ({"listeners": 'tcp LISTEN 0 511 0.0.0.0:443 0.0.0.0:* users:(("nginx",pid=12,fd=6))',
      "programs": "12 /usr/sbin/nginx"}, {}, "Port 443/tcp is taken by nginx (process 12, /usr/sbin/nginx)",
     "sudo kill 12"),
    ({"listeners": "udp UNCONN 0 0 *:443 *:*"}, {}, "Port 443/udp is taken by a process of another user",
     "sudo ss -lpun 'sport = :443'"),
    ({"listeners": 'tcp LISTEN 0 511 [::]:80 [::]:* users:(("apache2",pid=9,fd=4))'}, {},
     "Port 80/tcp is taken by apache2 (process 9)", "sudo kill 9"),
    ({}, {"443/udp": "other"}, "Port 443/udp is taken by the container other", "docker stop other")])
def test_a_port_that_somebody_else_holds_is_found_with_its_holder(
    machine: Tell, found: Any, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], publishers: dict[str, str],
    fault: str, fix: str,
) -> None:
    machine(**changes)
    monkeypatch.setattr(Engine, "publishers", lambda _: publishers)
    (first,) = found()
    assert first["name"] == "port-taken"
    assert first["fault"].startswith(fault)
    assert first["fix"].startswith(fix)


def test_caddy_s_own_ports_are_no_conflict(machine: Tell, found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(listeners='tcp LISTEN 0 511 0.0.0.0:443 0.0.0.0:* users:(("docker-proxy",pid=12,fd=6))')
    monkeypatch.setattr(Engine, "publishers", lambda _: {"443/tcp": "stealth-caddy"})
    assert found() == []


def test_what_the_script_prints_is_read_by_its_parts() -> None:
    mark = "0123456789abcdef"
    text = "".join(f"\n{mark} {name}\n{part}\n" for name, part in PARTS.items()) + f"\n{mark} end\n"
    read = Facts.parse(text, mark)
    assert read.is_root
    assert read.memory_bytes["MemTotal"] == 2 << 30
    assert read.left("disk") == (29360128, 41943040, "/")
    assert read.outer_link == "eth0"
    assert read.links["eth0"] == (1500, True)
    assert len(read.files) == 2


def test_the_script_runs_here_and_changes_nothing_it_prints(tmp_path: Any) -> None:
    (tmp_path / "users.json").write_text("{}")
    read = Facts.of(Engine("unix:///nowhere.sock"), str(tmp_path), [str(tmp_path)])
    assert read.memory_bytes["MemTotal"] > 0
    assert read.left("disk")[2].startswith("/")
    assert str(tmp_path / "users.json") in read.files


@pytest.mark.parametrize(("machine", "name"), [
    ("on\nfree\n", "watchdog-missing"), ('on\nfree\n3\n{"running": true}', "watchdog-blind"),
    ('on\nheld\n3\n{"running": true, "fault": "no answer"}', "watchdog-blind")])
def test_a_watchdog_that_does_not_run_or_cannot_look_is_found(
    well: FakeEngine, found: Any, machine: str, name: str,
) -> None:
    well.machine = machine
    (first,) = found()
    assert (first["name"], first["fix"]) == (name, "ops watchdog install")


def test_a_watchdog_that_was_switched_off_is_no_fault_unless_logs_are_wanted(
    well: FakeEngine, found: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    well.machine = "off\nfree\n"
    assert found() == []
    wanted = replace(Target.read("local"), data_dir="/srv/stealth")
    monkeypatch.setattr(Target, "read", lambda *_: wanted)
    (first,) = found()
    assert first["fault"] == ("No watchdog runs, so a service that hangs stays so, and nobody writes logs below "
                              "/srv/stealth.")
    assert (first["name"], first["fix"]) == ("watchdog-missing", "make up")
