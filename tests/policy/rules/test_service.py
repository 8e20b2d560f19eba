"""Limits and lifecycle of a service."""

from typing import Any

import pytest

from tests.policy.asking import UNKNOWN, ask, assert_refused

MEMORY = "docker-container-configure-memory"
CPU = "docker-container-configure-cpu"
ULIMITS = "docker-container-configure-ulimits"
HEALTH = "docker-container-configure-healthcheck"
RESTART = "docker-container-configure-restart"
STOPPED = {"restart": "no", "start": False, "mustRun": False}
LOGGING = "docker-container-configure-logging"

XRAY = {"name": "stealth-xray"}
JOB = {"name": "stealth-xray-writer", "start": False, "mustRun": False}
FILES = {"name": "nofile", "soft": 1024.0, "hard": 1024.0}
PROCESSES = {"name": "nproc", "soft": 512.0, "hard": 512.0}
CHECK = {"tests": ["CMD", "/probe"], "interval": "30s", "timeout": "10s", "retries": 3.0, "startPeriod": "40s"}
HEALTHY = {"healthcheck": CHECK, "wait": True}
LOGS = {"logDriver": "json-file", "logOpts": {"max-size": "10m", "max-file": "3"}}


def check(**changes: Any) -> dict[str, Any]:
    return XRAY | HEALTHY | {"healthcheck": CHECK | changes}


@pytest.mark.parametrize(("policy", "props"), [
    (MEMORY, XRAY | {"memory": 512.0, "memorySwap": 512.0}), (CPU, XRAY | {"cpus": "0.5", "cpuShares": 102.0}),
    (ULIMITS, XRAY | {"ulimits": [FILES, PROCESSES]}), (HEALTH, check()), (HEALTH, check(interval="1m0s")),
    (RESTART, XRAY | STOPPED), (HEALTH, check(**{}) | STOPPED | {"wait": False}),
    (RESTART, XRAY | {"restart": "always"}), (RESTART, JOB), (RESTART, JOB | {"restart": "no"}),
    (LOGGING, XRAY | LOGS),
    *((policy, JOB) for policy in (MEMORY, CPU, ULIMITS, HEALTH, LOGGING)),
])
def test_what_the_services_have_passes(policy: str, props: dict[str, Any]) -> None:
    assert ask(policy, props) == []


@pytest.mark.parametrize(("policy", "props", "fault"), [
    (MEMORY, XRAY | {"memory": 1024.0, "memorySwap": 1024.0}, "may use 1024 MB"),
    (MEMORY, XRAY | {"memory": 512.0}, "may swap"), (MEMORY, XRAY | {"memory": UNKNOWN}, "memory is not known"),
    (MEMORY, JOB | {"start": True, "memorySwap": 0.0}, "all the MB"),
    (CPU, XRAY | {"cpuShares": 2.0}, "all the cores"), (CPU, XRAY | {"cpus": "64", "cpuShares": 2.0}, "64 cores"),
    (CPU, XRAY | {"cpus": "1.0"}, "no share"), (CPU, XRAY | {"cpus": "1", "cpuShares": 2, "cpuQuota": 9}, "cpuQuota"),
    (ULIMITS, XRAY | {"ulimits": [FILES]}, "no limit nproc"),
    (ULIMITS, XRAY | {"ulimits": [FILES | {"hard": -1.0}, PROCESSES]}, "no limit nofile"),
    (HEALTH, XRAY | {"wait": True}, "nobody asks"), (HEALTH, check(tests=["NONE"]), "nobody asks"),
    (HEALTH, check(interval="2m"), "interval of its health check"), (HEALTH, check(timeout=""), "timeout of its"),
    (HEALTH, check(interval="30"), "interval of its"), (HEALTH, check(retries=0), "retries"),
    (HEALTH, check(startPeriod="1h"), "first 600 s"), (HEALTH, check() | {"wait": False}, "does not wait"),
    (HEALTH, check(tests=UNKNOWN), "healthcheck.tests is not known"),
    (RESTART, XRAY | {"restart": "unless-stopped"}, "restart is unless-stopped"), (RESTART, XRAY, "restart is unset"),
    (RESTART, XRAY | {"restart": "always", "mustRun": False}, "mustRun is false"),
    (RESTART, XRAY | {"restart": "always", "rm": True}, "rm removes"),
    (RESTART, JOB | {"start": True}, "would be started"), (RESTART, JOB | {"restart": "always"}, "would be started"),
    (LOGGING, XRAY, "whatever the engine has"), (LOGGING, XRAY | {"logDriver": "none"}, "log driver is none"),
    (LOGGING, XRAY | LOGS | {"logOpts": {"max-size": "10m"}}, "does not rotate"),
])
def test_a_service_that_takes_too_much_or_that_nobody_watches_is_refused(
    policy: str, props: dict[str, Any], fault: str,
) -> None:
    assert_refused(policy, props, fault)


@pytest.mark.parametrize("left", sorted(STOPPED))
def test_a_service_that_is_stopped_by_half_is_refused(left: str) -> None:
    half = {"restart": "always"} | {key: value for key, value in STOPPED.items() if key != left}
    assert ask(RESTART, XRAY | half) != []
    assert ask(HEALTH, check() | half | {"wait": False}) != []
