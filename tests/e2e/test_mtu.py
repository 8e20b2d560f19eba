"""The largest packets through WireGuard, on lines and paths that are too narrow for them."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.e2e.client import Client, client
from tests.e2e.deployment import SITE, Server
from tests.e2e.lines import FAR_ORIGIN, Line, client_line, far_origin, on_machine, set_mtu
from tests.e2e.outside import ANSWER, ORIGIN_ADDRESS, ORIGIN_ADDRESS6, PAGE, Outside
from tests.e2e.programs import program

pytestmark = pytest.mark.integration

LARGE = 4000
"""Bytes of a datagram that takes several packets."""

CUT = "nstat --zeros --json --ignore --noupdate IpFragCreates Ip6FragCreates"
"""Tells how many pieces were made of packets that were too large, since the network began."""


@contextmanager
def tunnel(
    server: Server, outside: Outside, way: str, version: int, number: int, width: int = 1500,
) -> Iterator[tuple[Client, Line]]:
    """Run a client on a line of its own, whose tunnel stands. Its number must be new: hosts remember a path's MTU."""
    outputs, line = server.outputs(), client_line(number, width)
    told = program(way, server.links()[way])
    with client(f"mtu-{number}", told, outputs["authorityCertificate"], line, line.near(version)) as made:
        assert made.fetch_when_ready(outside.url).stdout == PAGE, made.logs()
        yield made, line


@contextmanager
def without_notices() -> Iterator[None]:
    """Let this machine, which is the router next to every line, tell nobody that a packet was too large."""
    rules = "icmp code frag-needed drop; icmpv6 type packet-too-big drop"
    chains = "\n".join(f"chain {hook} {{ type filter hook {hook} priority 0; {rules}; }}"
                       for hook in ("input", "forward", "output"))
    on_machine(f"echo 'table inet e2e-silence {{\n{chains}\n}}' | nft -f -")
    try:
        yield
    finally:
        on_machine("nft delete table inet e2e-silence")


def ping(one: Client, address: str, size: int) -> str:
    """Send echo requests of a size with their headers, which must not be cut up; returns what ping prints."""
    payload = size - (40 if ":" in address else 20) - 8
    return one.run("ping", "-n", "-c", "1", "-W", "3", "-M", "do", "-s", str(payload), address).stdout


def check_downloads(one: Client, outside: Outside, what: str) -> None:
    for url in (outside.url, outside.url6):
        assert one.fetch(url).stdout == PAGE, f"{what}: from {url}"


def check_uploads(one: Client, outside: Outside, what: str) -> None:
    for url in (outside.url, outside.url6):
        done = one.run("sh", "-c", f"head -c 100000 /dev/zero | curl -sS -m 20 -X PUT --data-binary @- {url}")
        assert done.stdout == "100000", f"{what}: to {url}"


def check_datagrams(one: Client, outside: Outside, mtu: int, what: str) -> None:
    """Send what just fits, what does not, and what is cut up inside the tunnel, with answers of the same size."""
    for address in (ORIGIN_ADDRESS, ORIGIN_ADDRESS6):
        assert " 1 received" in ping(one, address, mtu), f"{what}: {mtu} bytes to {address}"
        assert "Message too long" in ping(one, address, mtu + 1), f"{what}: {mtu + 1} bytes to {address}"
    # By IPv6 no router cuts (RFC 8200 section 5): the origin's first large answer is lost, and tells it the MTU.
    one.run("ping", "-c", "2", "-i", "0.2", "-W", "1", "-s", str(LARGE), ORIGIN_ADDRESS6)
    for resolver in (outside.resolver, outside.resolver6):
        assert one.look_up(resolver, "-padding", str(LARGE)).stdout.strip() == ANSWER, f"{what}: UDP to {resolver}"


# Ethernet; PPPoE, which has 8 bytes less; a mobile network with a tunnel of its own.
@pytest.mark.parametrize(("number", "version", "width"), [(10, 4, 1500), (11, 6, 1500), (12, 6, 1492), (13, 6, 1400)])
def test_packets_of_the_largest_size_pass_and_nothing_of_a_line_s_is_cut(
    dual: Server, beyond: Outside, number: int, version: int, width: int,
) -> None:
    with tunnel(dual, beyond, "wireguard", version, number, width) as (one, _):
        with without_notices():
            check_downloads(one, beyond, "down")
            check_uploads(one, beyond, "up")
        assert json.loads(one.run("sh", "-c", CUT).stdout)["kernel"] == {"IpFragCreates": 0, "Ip6FragCreates": 0}
        check_datagrams(one, beyond, width - 80, "datagrams")


@pytest.mark.parametrize(("number", "version"), [(20, 4), (21, 6)])
def test_over_websocket_packets_of_the_largest_size_pass_on_any_line(
    dual: Server, beyond: Outside, number: int, version: int,
) -> None:
    with tunnel(dual, beyond, "wireguardWebsocket", version, number) as (one, line):
        for width in (1500, 1400, 1280):
            set_mtu(one.name, line, width)
            check_downloads(one, beyond, f"{width}")
            check_uploads(one, beyond, f"{width}")
        check_datagrams(one, beyond, 1280, "datagrams")


@pytest.mark.parametrize(("number", "version"), [(30, 4), (31, 6)])
def test_a_client_that_takes_its_line_for_wider_than_it_is_gets_large_packets_in_pieces(
    dual: Server, beyond: Outside, number: int, version: int,
) -> None:
    with tunnel(dual, beyond, "wireguard", version, number) as (one, line), ExitStack() as stack:
        if version == 4:
            # Routers of IPv4 cut by themselves; for IPv6 the server does, once it was told.
            stack.enter_context(without_notices())
        for width in (1400, 1280):
            set_mtu(one.name, line, width)
            check_downloads(one, beyond, f"{width}")


def test_connections_of_a_client_with_too_large_an_mtu_are_held_to_the_server_s(dual: Server, beyond: Outside) -> None:
    with tunnel(dual, beyond, "wireguard", 4, 40) as (one, _), without_notices():
        one.run("ip", "link", "set", "wg0", "mtu", "1500")
        check_downloads(one, beyond, "1500")


def test_a_client_is_told_of_a_narrow_path_behind_the_server(dual: Server, beyond: Outside) -> None:
    with tunnel(dual, beyond, "wireguard", 4, 41) as (one, _), far_origin() as far:
        set_mtu(FAR_ORIGIN, far, 1300)
        for version in (4, 6):
            assert re.search(r"(DF set|too big).*mtu ?= ?1300", ping(one, far.far(version), 1400))
            assert "Message too long" in ping(one, far.far(version), 1400), "the notice was not taken"
            assert " 1 received" in ping(one, far.far(version), 1300)
        for host in (far.far(4), f"[{far.far(6)}]"):
            assert one.fetch(f"http://{host}:8080/").stdout == SITE
