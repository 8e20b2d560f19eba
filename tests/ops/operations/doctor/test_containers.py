"""What is found of containers, each with its name and what mends it."""

import json
from typing import Any

import pytest

from ops.docker import Engine
from tests.ops.operations.doctor.conftest import Tell
from tests.ops.operations.fakes import FakeEngine, entry, ops


@pytest.mark.parametrize(("changes", "name", "fault", "fix"), [
    ({"restarts": 5, "exit_code": 2}, "restart-loop",
     "xray has ended 5 times and was started again, last with exit code 2.", "ops logs xray 200"),
    ({"health": "unhealthy", "said": "refused"}, "container-unhealthy", "xray is unhealthy: its check said refused.",
     "ops restart xray"),
    ({"state": "exited", "exit_code": 137, "out_of_memory": True}, "container-out-of-memory",
     "xray was ended by the kernel when it used its 512 MiB of memory.", "pulumi config set resourceProfile standard"),
    ({"state": "exited", "exit_code": 137}, "container-ended", "xray does not run: it is exited, with exit code 137.",
     "ops start xray"),
    ({"state": "created", "error": "no such device"}, "container-not-started",
     "xray was never started: no such device.", "ops start xray"),
    ({"state": "paused"}, "container-paused", "xray is paused.", "ops start xray")])
def test_a_container_s_fault_is_found_with_its_fix(
    well: FakeEngine, found: Any, changes: dict[str, Any], name: str, fault: str, fix: str,
) -> None:
    well.entries["xray"] = entry("xray", **changes)
    first = found()[0]
    assert (first["check"], first["name"], first["subject"], first["fault"]) == ("containers", name, "xray", fault)
    assert first["fix"].startswith(fix)


def test_a_restart_loop_shows_the_last_lines_harmlessly(well: FakeEngine) -> None:
    well.entries["xray"] = entry("xray", "restarting", exit_code=1, restarts=4)
    well.answers[("logs",)] = "panic: no such file\x1b[2J\n"
    assert "    panic: no such file\\x1b[2J" in ops("doctor").output.splitlines()


def test_a_missing_container_and_a_missing_server_are_found(well: FakeEngine, found: Any) -> None:
    del well.entries["xray"]
    assert [item["name"] for item in found()] == ["container-missing"]
    well.entries.clear()
    assert [item["name"] for item in found()] == ["nothing-deployed"]


def test_memory_that_is_nearly_used_up_is_found(well: FakeEngine, found: Any) -> None:
    well.answers[("stats",)] = json.dumps(
        {"Name": "stealth-xray", "CPUPerc": "1.00%", "MemUsage": "500MiB / 512MiB"})
    assert [item["fault"] for item in found()] == ["xray uses 500 of its 512 MiB of memory."]


@pytest.mark.parametrize(("at", "is_found"), [("99990.0", True), ("1.0", False)])
def test_a_part_that_the_kernel_ended_is_found_until_the_next_start(
    well: FakeEngine, machine: Tell, found: Any, at: str, *, is_found: bool,
) -> None:
    well.entries["xray"] |= {"Id": "ab" * 32}
    # The machine is up for 100000 s, and the container as long as a test of that day is ago.
    well.entries["xray"]["State"]["StartedAt"] = "2026-11-30T01:00:00Z" if is_found else "2999-01-01T00:00:00Z"
    machine(kills=f"[{at}] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/docker/{'ab' * 32},"
                  f"task_memcg=/docker/{'ab' * 32},task=xray,pid=7,uid=10002")
    assert [item["name"] for item in found()] == (["container-out-of-memory"] if is_found else [])


def test_a_failing_check_is_found_before_the_engine_has_seen_it(well: FakeEngine, found: Any) -> None:
    well.faults["xray"] = "connection refused"
    (first,) = found()
    assert (first["name"], first["fault"]) == ("check-fails", "xray fails its check now: connection refused.")


def test_a_lost_restart_policy_is_found(well: FakeEngine, found: Any) -> None:
    well.entries["xray"]["HostConfig"]["RestartPolicy"] = {"Name": "no"}
    (first,) = found()
    assert first["name"] == "restart-policy"
    assert first["fix"] == "docker update --restart always stealth-xray"


def test_an_image_without_its_name_is_found(
    well: FakeEngine, found: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Engine, "has_image", lambda _, name: name != "stealth-vpn/xray:local")
    (first,) = found()
    assert (first["name"], first["subject"]) == ("image-missing", "xray")
    assert first["fix"].startswith("docker tag sha256:0a0a")
    monkeypatch.setattr(Engine, "has_image", lambda _, name: "xray" not in name and not name.startswith("sha256"))
    assert found()[0]["fix"] == "make build"
