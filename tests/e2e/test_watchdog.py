"""What becomes of services whose processes are killed or hang, on the real engine; `up` has started the watchdog."""

import json
import os
import re
import signal
import time
from pathlib import Path

import psutil
import pytest

from ops.docker import Engine
from ops.panel import Panel
from tests.e2e.containers import call
from tests.e2e.deployment import (
    ENGINE_ADDRESS,
    LABEL,
    SERVICES,
    STACK,
    Server,
    await_healthy,
    docker,
    healthy,
    ids,
    inspect,
)

pytestmark = pytest.mark.integration

KILLED_SECONDS = 10
"""The issue's bound for a service whose first process was killed to be healthy again."""

HUNG_SECONDS = 90
"""The issue's bound for one whose first process was stopped to be noticed and restarted."""

LOOKS_SECONDS = 12
"""Two looks of the watchdog's, and some."""

ILL = "stealth-ill"
"""A container of the tests' own that is never healthy."""


def first_process(service: str) -> int:
    pid: int = inspect(service)["State"]["Pid"]
    return pid


def await_new(services: dict[str, int], bound_seconds: float) -> None:
    """Wait until each service is healthy with another first process than the given one; fails beyond the bound."""
    began, left = time.monotonic(), dict(services)
    while left:
        for service, before in list(left.items()):
            state = inspect(service)["State"]
            if state["Running"] and state["Pid"] not in {0, before} and state["Health"]["Status"] == "healthy":
                print(f"{service} was back after {time.monotonic() - began:.1f} s")
                del left[service]
        assert time.monotonic() - began < bound_seconds, f"{', '.join(left)} is not back after {bound_seconds} s"
        time.sleep(0.1)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_whose_first_process_was_killed_is_healthy_again_in_time(deployed: Server, service: str) -> None:
    before = first_process(service)
    os.kill(before, signal.SIGKILL)
    await_new({service: before}, KILLED_SECONDS)


def test_stopped_processes_are_noticed_and_their_services_restarted_in_time(deployed: Server) -> None:
    before = {service: first_process(service) for service in SERVICES}
    for pid in before.values():
        os.kill(pid, signal.SIGSTOP)
    await_new(before, HUNG_SECONDS)
    told = deployed.ops("watchdog", "status")
    assert told.returncode == 0, told.stdout
    assert set(re.findall(r"^\d\S+ (\w+) hangs: its process \S+ is stopped$", told.stdout, re.M)) == set(SERVICES)
    panel, end = Panel(Engine(ENGINE_ADDRESS)), time.monotonic() + HUNG_SECONDS
    while {entry["target"] for entry in panel.call("GET", "/audit", search="service.restart")["entries"]} != \
            set(SERVICES):
        assert time.monotonic() < end, "the panel was not told of each restart"
        time.sleep(1)
    status = deployed.ops("status")
    assert status.returncode == 0, status.stdout
    assert "Watchdog: runs; last it restarted" in status.stdout


def test_it_is_off_until_it_is_installed_and_then_sees_also_what_a_first_process_has_started(
    deployed: Server,
) -> None:
    assert deployed.ops("watchdog", "off").returncode == 0
    assert "The watchdog is off" in deployed.up()
    assert deployed.ops("watchdog", "status").returncode == 1
    before = {service: first_process(service) for service in ("caddy", "wireguard", "xray")}
    for pid in before.values():
        for child in psutil.Process(pid).children():
            child.send_signal(signal.SIGSTOP)
    time.sleep(LOOKS_SECONDS)
    assert {service: first_process(service) for service in before} == before
    assert deployed.ops("watchdog", "install").returncode == 0
    await_new(before, HUNG_SECONDS)


def test_a_service_that_is_stopped_while_it_hangs_stays_stopped(deployed: Server) -> None:
    os.kill(first_process("trojan"), signal.SIGSTOP)
    said = deployed.ops("stop", "trojan")
    assert said.returncode == 0, said.stdout
    time.sleep(LOOKS_SECONDS)
    assert inspect("trojan")["State"]["Running"] is False
    assert deployed.ops("start", "trojan").returncode == 0
    assert healthy() == set(SERVICES)


def test_what_the_engine_calls_unhealthy_is_restarted_and_not_over_and_over(deployed: Server) -> None:
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    docker("run", "--detach", "--name", ILL, "--label", f"{LABEL}={STACK}", "--restart", "always",
           "--health-cmd", "echo all is lost; false", "--health-interval", "1s", "--health-retries", "1",
           "stealth-vpn/os:trixie", "sleep", "infinity")
    try:
        # A sleep that is a namespace's first process does not hear SIGTERM, so that the grace is in here as well.
        time.sleep(3 * LOOKS_SECONDS)
        (entry,) = json.loads(docker("inspect", ILL))
        assert entry["RestartCount"] == 1
        assert entry["State"]["Health"]["Status"] == "unhealthy"
    finally:
        docker("rm", "--force", ILL)
    acts = json.loads(deployed.ops("watchdog", "status", "--json").stdout)["acts"]
    assert [act["reason"] for act in acts if act["service"] == "ill" and act["at"] >= began] == [
        "is unhealthy (all is lost)"]


def test_logs_are_on_the_host_and_nothing_that_runs_is_changed_for_them(
    deployed: Server, tmp_path: Path,
) -> None:
    before = ids()
    deployed.configure(dataDir=str(tmp_path / "data"))
    assert "No changes; 6 containers healthy" in deployed.up()
    assert ids() == before
    docker("restart", "--time", "1", "stealth-trojan")
    await_healthy("trojan")
    end = time.monotonic() + HUNG_SECONDS
    missing = set(SERVICES)
    while missing:
        assert time.monotonic() < end, f"what {', '.join(missing)} said is not on the host"
        time.sleep(1)
        missing = {service for service in SERVICES if written(tmp_path, service) != said(service)}
    assert (tmp_path / "data" / "logs" / "caddy" / "caddy.log").stat().st_mode & 0o777 == 0o640
    assert f"logs are written to {tmp_path}/data/logs" in deployed.ops("watchdog", "status").stdout
    deployed.configure()
    assert "No changes; 6 containers healthy" in deployed.up()
    assert "logs are written" not in deployed.ops("watchdog", "status").stdout


def written(folder: Path, service: str) -> list[str]:
    file = folder / "data" / "logs" / service / f"{service}.log"
    return sorted(file.read_text().splitlines()) if file.exists() else []


def said(service: str) -> list[str]:
    """Return what the engine has of a service, as it stands in the file."""
    done = call("logs", "--timestamps", f"stealth-{service}")
    lines = (done.stdout + done.stderr).decode(errors="replace").splitlines()
    return sorted("".join(letter if letter == "\t" or letter >= " " else "?" for letter in line) for line in lines)
