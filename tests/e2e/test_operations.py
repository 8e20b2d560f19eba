"""The commands for daily operations, on the real server."""

import json
import os
import re
import signal
import time

import pytest

from tests.e2e.deployment import (
    LABEL,
    SERVICES,
    STACK,
    Server,
    await_healthy,
    docker,
    healthy,
    ids,
    inspect,
    names,
    restart_engine,
)

pytestmark = pytest.mark.integration


def assert_nothing_would_change(server: Server) -> None:
    done = server.pulumi("preview", "--diff", "--expect-no-changes")
    assert done.returncode == 0, done.stdout


def test_status_of_a_well_server_has_all_services_their_limits_and_a_verdict(deployed: Server) -> None:
    done = deployed.ops("status")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "All is well: 6 services are healthy."
    assert len(re.findall(r"^\w+ +running +healthy +\d+ \w+ +\d+ +\d\.\d\d of 1 +\d+ of 512 ", done.stdout, re.M)) == 6
    assert re.search(r"^Certificates: \d.*, the first to end is \S+ on ", done.stdout, re.M)
    parsed = json.loads(deployed.ops("status", "--json").stdout)
    assert {service["name"] for service in parsed["services"]} == set(SERVICES)
    assert parsed["well"] is True


def test_a_broken_service_is_in_status_and_health(deployed: Server) -> None:
    docker("pause", "stealth-trojan")
    try:
        done = deployed.ops("status")
        assert done.returncode == 1
        assert "! trojan is paused. Run `docker unpause stealth-trojan`." in done.stdout
        assert deployed.ops("health").returncode == 1
    finally:
        docker("unpause", "stealth-trojan")
    done = deployed.ops("health")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "All is well: 6 checks passed."


def test_logs_come_by_service_merged_and_as_they_come(deployed: Server) -> None:
    assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", deployed.run("make", "logs-caddy").stdout, re.M)
    merged = [json.loads(line) for line in deployed.ops("logs", "20", "--json").stdout.splitlines()]
    assert len({line["service"] for line in merged}) > 1
    assert [line["at"] for line in merged] == sorted(line["at"] for line in merged)
    following = deployed.start("python", "-m", "ops", "logs", "-f", "1")
    time.sleep(5)
    assert following.poll() is None
    os.killpg(following.pid, signal.SIGINT)
    said, _ = following.communicate(timeout=30)
    assert following.returncode == 0, said
    assert len({line.split()[1] for line in said.splitlines()}) > 1


def test_what_is_stopped_stays_so_over_a_deploy_a_change_and_the_engine_and_comes_back_when_started(
    deployed: Server,
) -> None:
    before = ids()
    said = deployed.ops("stop", "xray")
    assert said.returncode == 0, said.stdout
    assert "xray is stopped, and stays so until `ops start xray`" in said.stdout
    assert "was not told" not in said.stdout
    assert_nothing_would_change(deployed)
    up = deployed.up()
    assert "No changes; 5 containers healthy" in up
    assert "xray is stopped and stays so" in up
    assert ids() == before
    assert deployed.ops("health", "caddy").returncode == 0, "Caddy's check waits for no Xray that is stopped"
    status = deployed.ops("status")
    assert status.returncode == 0, status.stdout
    assert status.stdout.splitlines()[-1] == "All is well: 5 services are healthy. Stopped by `ops stop`: xray."
    deployed.run("pulumi", "config", "set", "--path", "dnsServers[0]", "9.9.9.9")
    deployed.up()
    assert ids()["xray"] != before["xray"]
    assert inspect("xray")["State"]["Status"] == "created"
    restart_engine()
    assert inspect("xray")["State"]["Running"] is False
    started = deployed.ops("start", "xray")
    assert started.returncode == 0, started.stdout
    # The others were started by the engine, a moment ago.
    await_healthy(*SERVICES)
    assert_nothing_would_change(deployed)
    assert "No changes; 6 containers healthy" in deployed.up()


def test_the_whole_server_stops_starts_and_restarts(deployed: Server) -> None:
    before = ids()
    assert deployed.ops("stop").returncode == 0
    assert names("container", "status=running", f"label={LABEL}={STACK}") == set()
    assert "No changes; 0 containers healthy" in deployed.up()
    assert deployed.run("make", "start").returncode == 0
    assert healthy() == set(SERVICES)
    began = inspect("trojan")["State"]["StartedAt"]
    done = deployed.ops("restart", "trojan")
    assert done.returncode == 0, done.stdout
    assert inspect("trojan")["State"]["StartedAt"] > began
    assert ids() == before
    assert_nothing_would_change(deployed)


def test_build_and_validate_touch_nothing_that_runs(deployed: Server) -> None:
    before = ids()
    # As a program asks, which gets one document, and nothing else, on standard output.
    built = json.loads(deployed.run("sh", "-c", "exec python -m ops build --json 2>/dev/null").stdout)
    assert (built["ok"], built["command"]) == (True, "build"), built
    assert "nothing was built" in built["said"][-1]
    valid = deployed.run("make", "validate")
    assert valid.returncode == 0, valid.stdout
    deployed.configure(httpsPort=0)
    refused = deployed.ops("validate")
    assert refused.returncode == 1
    assert "httpsPort is 0, but a port lies between 1 and 65535" in refused.stdout
    assert ids() == before


def test_the_specification_s_script_works_from_any_folder(deployed: Server) -> None:
    done = deployed.run("sh", "-c", f"cd / && {deployed.folder}/scripts/service-manager.sh status")
    assert done.returncode == 0, done.stdout
    assert "All is well" in done.stdout
    completed = deployed.run("env", "_OPS_COMPLETE=bash_complete", "COMP_WORDS=ops rest", "COMP_CWORD=1",
                             f"{deployed.folder}/scripts/ops")
    assert "plain,restart" in completed.stdout
