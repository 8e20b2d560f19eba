"""The commands for daily operations, on the real server."""

import json
import os
import re
import signal
import time

import pytest

from tests.e2e.deployment import SERVICES, Server, docker

pytestmark = pytest.mark.integration


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
