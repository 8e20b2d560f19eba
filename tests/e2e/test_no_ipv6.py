"""IPv6 switched off, where it was on before: nothing of it is left, and no client's leaks beside the tunnel."""

from collections import deque

import psutil
import pytest

from tests.e2e.client import WIREGUARD, all_clients, each
from tests.e2e.deployment import Server, docker
from tests.e2e.lines import client_line
from tests.e2e.listeners import listeners
from tests.e2e.outside import ORIGIN_ADDRESS, ORIGIN_ADDRESS6, PAGE, Outside
from tests.e2e.programs import PROTOCOLS

pytestmark = pytest.mark.integration

CANNOT_CONNECT, TIMED_OUT = 7, 28
"""Exit codes of curl."""


@pytest.fixture
def switched_off(dual: Server) -> Server:
    """The server with the default configuration, which had IPv6 a moment ago."""
    dual.stand()
    return dual


def test_without_ipv6_nothing_answers_by_it_and_no_client_hangs_or_leaks(switched_off: Server, beyond: Outside) -> None:
    assert docker("network", "inspect", "stealth-vpn", "--format", "{{.EnableIPv6}}") == "false"
    assert not {at.laddr.port for at in psutil.net_connections("inet6") if at.laddr} & {80, 443}
    beyond.names.update({"both.example": deque([ORIGIN_ADDRESS6, ORIGIN_ADDRESS]),
                         "six.example": deque([ORIGIN_ADDRESS6])})
    with all_clients(switched_off, version=4) as clients:
        pages = each(clients, lambda one: one.fetch_when_ready(beyond.url))
        assert {name: done.stderr for name, done in pages.items() if done.stdout != PAGE} == {}
        with listeners([ORIGIN_ADDRESS6], []) as (port, _):
            by_both = {(network, "both.example", port) for network in ("tcp", "udp")}
            targets = [*sorted(by_both), *((network, host, port) for network in ("tcp", "udp")
                                           for host in ("six.example", ORIGIN_ADDRESS6))]
            assert each(clients, lambda one: one.reached(targets, beyond.resolver)) == dict.fromkeys(
                PROTOCOLS, by_both)
        by_name = {name: one for name, one in clients.items() if one.socks}
        named = each(by_name, lambda one: one.fetch(f"http://six.example:{beyond.port6}/"))
        assert {name for name, done in named.items() if done.returncode in {0, TIMED_OUT}} == set()
        beyond.seen.clear()
        answers = each(clients, lambda one: one.fetch(beyond.url6))
        assert {name for name, done in answers.items() if done.returncode in {0, TIMED_OUT}} == set()
        for name in WIREGUARD:
            assert answers[name].returncode == CANNOT_CONNECT
            assert " dev wg0 " in clients[name].run("ip", "route", "get", ORIGIN_ADDRESS6).stdout
        public = f"https://[{client_line(0).near(6)}]/"
        assert clients[PROTOCOLS[0]].run("curl", "--insecure", "--max-time", "5", public).returncode == CANNOT_CONNECT
    assert beyond.seen == []
