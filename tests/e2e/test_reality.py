"""REALITY has measured its target (decision 0003), however the server came to run.

What is compared is what a censor sees: the record that the server sends when the client's handshake ends. Without a
measurement an authorised client gets none, while it gets one from the site that REALITY pretends to be.
"""

import socket
import ssl
import time

import pytest

from tests.e2e.client import client
from tests.e2e.deployment import SERVICES, Server, await_healthy, docker, restart_engine
from tests.e2e.outside import PAGE, SERVER_ADDRESS, Outside
from tests.e2e.programs import program
from tests.e2e.records import relay

pytestmark = pytest.mark.integration

_READY_SECONDS = 90
_ANSWER_SECONDS = 5
# Linux gives up an address that nobody has after 3 s (arp(7)); Xray's only attempt to measure must have failed by then.
_DIAL_SECONDS = 6


def record_of_a_visitor(authority: str) -> int:
    """What the cover site sends to a browser when the handshake ends."""
    context = ssl.create_default_context(cadata=authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with relay() as between, socket.create_connection((SERVER_ADDRESS, between.port)) as plain, \
            context.wrap_socket(plain, server_hostname="cdn.stealth.test"):
        end = time.monotonic() + _ANSWER_SECONDS
        while not (length := between.answer_to_finished()) and time.monotonic() < end:
            time.sleep(0.05)
    return length


def record_of_a_client(link: str, authority: str, url: str) -> int:
    """What an authorised client gets then."""
    with relay() as between:
        moved = link.replace(":443?", f":{between.port}?")
        with client("measured", program("vlessReality", moved), authority) as made:
            assert made.fetch_when_ready(url).stdout == PAGE
        return between.answer_to_finished()


def check(server: Server, beyond: Outside) -> None:
    """Fail unless both are alike."""
    outputs = server.outputs()
    wanted = record_of_a_visitor(outputs["authorityCertificate"])
    assert wanted > 0
    link = server.links()["vlessReality"]
    assert record_of_a_client(link, outputs["authorityCertificate"], beyond.url) == wanted


def test_a_client_s_handshake_ends_as_a_visitor_s(deployed: Server, beyond: Outside) -> None:
    check(deployed, beyond)


@pytest.mark.parametrize("service", [
    pytest.param(service, marks=[] if service in {"caddy", "xray"} else [pytest.mark.long]) for service in SERVICES])
def test_up_after_a_restart_ends_with_the_target_measured(deployed: Server, beyond: Outside, service: str) -> None:
    docker("restart", f"stealth-{service}")
    assert "No changes" in deployed.up()
    docker("exec", "stealth-caddy", "/usr/local/bin/probe", "http", "http://172.20.0.11:8009/measured")
    check(deployed, beyond)


def test_a_target_that_comes_late_is_measured(deployed: Server, beyond: Outside) -> None:
    docker("stop", "stealth-caddy")
    docker("restart", "stealth-xray")
    time.sleep(_DIAL_SECONDS)
    docker("start", "stealth-caddy")
    assert "No changes" in deployed.up()
    check(deployed, beyond)


def test_after_a_restart_of_the_engine_the_target_is_measured_without_anybody_s_help(
    deployed: Server, beyond: Outside,
) -> None:
    restart_engine()
    await_healthy(*SERVICES, patience_seconds=_READY_SECONDS)
    check(deployed, beyond)
    assert "No changes" in deployed.up()
