"""IPv6 switched on: to the server, beyond it, and to nothing of ours."""

import json
import subprocess
from collections import deque
from collections.abc import Iterator

import pytest

from tests.e2e.client import IMAGE, WIREGUARD, Clients, all_clients, each
from tests.e2e.deployment import SITE, Server, docker, inspect
from tests.e2e.lines import FAR_ORIGIN, client_line, far_origin, on_machine
from tests.e2e.listeners import listeners
from tests.e2e.outside import ANSWER, ORIGIN_ADDRESS, ORIGIN_ADDRESS6, PAGE, Outside, is_server
from tests.e2e.programs import PROTOCOLS
from tests.e2e.visitor import VERSIONS

pytestmark = pytest.mark.integration

CADDY, PANEL, GATEWAY = "fd9c:3b1e:7a20:1::a", "fd9c:3b1e:7a20:1::f", "fd9c:3b1e:7a20:1::1"
GUEST = "e2e-guest"
"""A container that lives in the panel's network."""

METADATA = "fd00:ec2::254"
"""Where a cloud's machines ask for their own secrets (Amazon's EC2, by IPv6)."""

REFUSED = ["fd77::1", "2001:db8:113::200"]
"""A private address of this machine, and its public one, which egressRefuse names."""

# The site, Xray, the panel and what lives beside it, by the network of the containers; chisel by the peers'.
SERVICES = [(CADDY, 80), (CADDY, 443), ("fd9c:3b1e:7a20:1::b", 8004), (PANEL, 8010), (PANEL, 9999),
            ("panel.example", 9999), ("fd9c:3b1e:7a20:2::1", 8006), ("::1", 8002), ("fe80::1", 8002)]

TIMED_OUT = 28
"""Exit code of curl."""


@pytest.fixture(scope="module")
def clients(server: Server, beyond: Outside) -> Iterator[Clients]:
    """The eight clients of a server with IPv6, all of them ready."""
    server.stand(ipv6=True)
    with all_clients(server, version=6) as made:
        each(made, lambda one: one.fetch_when_ready(beyond.url6))
        yield made


def visit(network: str, url: str) -> subprocess.CompletedProcess[bytes]:
    """Fetch as somebody without any tunnel, from a container on a network."""
    return subprocess.run(
        ["docker", "run", "--rm", "--network", network, "--entrypoint", "/usr/bin/curl", IMAGE,
         "--silent", "--show-error", "--max-time", "3", url], capture_output=True, check=False, timeout=60)


@pytest.fixture
def own_addresses(dual: Server, beyond: Outside) -> Iterator[list[str]]:
    """Pages at IPv6 addresses of ours that the daemons could reach: of containers, this machine and a cloud."""
    docker("rm", "--force", GUEST, check=False)
    docker("run", "--detach", "--name", GUEST, "--network", "container:stealth-admin", "--entrypoint", "chisel",
           IMAGE, "server", "--host", "[::]", "--port", "9999")
    on_machine(f"ip address replace {METADATA}/128 dev lo")
    urls = [f"http://[{CADDY}]/", f"http://[{PANEL}]:9999/health", f"http://[{GATEWAY}]:{beyond.port6}/",
            f"http://[{METADATA}]:{beyond.port6}/"]
    try:
        for url in urls:
            assert visit("stealth-vpn", url).returncode == 0, url
        yield urls
    finally:
        on_machine(f"ip address delete {METADATA}/128 dev lo")
        docker("rm", "--force", GUEST)


def test_all_eight_fetch_and_look_up_names_by_ipv6_to_the_server_and_beyond_it(
    dual: Server, clients: Clients, beyond: Outside,
) -> None:
    beyond.seen.clear()
    pages = each(clients, lambda one: one.fetch(beyond.url6))
    assert {name: done.stderr for name, done in pages.items() if done.stdout != PAGE} == {}
    answers = each(clients, lambda one: one.look_up(beyond.resolver6))
    assert {name: done.stdout.strip() or done.stderr for name, done in answers.items()} == dict.fromkeys(
        PROTOCOLS, ANSWER)
    assert beyond.seen
    assert all(map(is_server, beyond.seen))
    # Who comes by IPv6 reaches the world of IPv4 as well.
    assert {done.stdout for done in each(clients, lambda one: one.fetch(beyond.url)).values()} == {PAGE}


def test_origins_see_the_server_s_own_address_and_the_server_sees_its_clients(dual: Server, clients: Clients) -> None:
    with far_origin() as line:
        pages = each(clients, lambda one: one.fetch(f"http://[{line.far(6)}]:8080/"))
        said = subprocess.run(["docker", "logs", FAR_ORIGIN], capture_output=True, text=True, check=True).stderr
    assert {done.stdout for done in pages.values()} == {SITE}
    asked = [entry["request"]["remote_ip"] for entry in map(json.loads, said.splitlines()) if "request" in entry]
    assert asked == [line.near(6)] * len(PROTOCOLS)
    # The carrier of WireGuard over WebSocket holds its connection for as long as it runs.
    address = client_line(PROTOCOLS.index("wireguardWebsocket")).far(6)
    caddy = inspect("caddy")["State"]["Pid"]
    assert f"[{address}]:" in on_machine(f"nsenter --target {caddy} --net ss --tcp --numeric state established")


def test_no_client_reaches_our_own_networks_by_ipv6_and_all_reach_a_name_of_both_families(
    dual: Server, clients: Clients, beyond: Outside, own_addresses: list[str],
) -> None:
    beyond.names.update({
        "both.example": deque([ORIGIN_ADDRESS6, ORIGIN_ADDRESS]), "six.example": deque([ORIGIN_ADDRESS6]),
        "private.example": deque([GATEWAY]), "panel.example": deque([PANEL])})
    with listeners([ORIGIN_ADDRESS6, GATEWAY, METADATA], REFUSED) as (port, seen):
        reachable = {(network, host, port) for network in ("tcp", "udp")
                     for host in (ORIGIN_ADDRESS, ORIGIN_ADDRESS6, "both.example", "six.example")}
        refused = [(network, host, port) for network in ("tcp", "udp")
                   for host in (GATEWAY, METADATA, *REFUSED, "private.example")]
        targets = [*sorted(reachable), *refused, *(("tcp", host, number) for host, number in SERVICES)]
        for name in WIREGUARD:
            # A client's own default route leads to this machine, where each of the addresses would be found.
            clients[name].route_all()
        assert each(clients, lambda one: one.reached(targets, beyond.resolver)) == dict.fromkeys(PROTOCOLS, reachable)
        assert seen == {ORIGIN_ADDRESS, ORIGIN_ADDRESS6}
        # All of them could have been reached: what is not guarded does so from the same place.
        for address in (GATEWAY, METADATA, *REFUSED):
            assert visit("stealth-vpn", f"http://[{address}]:{port}/").stdout.decode() == address


def test_from_outside_only_caddy_s_public_ports_answer(
    dual: Server, clients: Clients, own_addresses: list[str],
) -> None:
    def knock(url: str) -> int:
        return clients["trojan"].run("curl", "--silent", "--insecure", "--max-time", "2", url).returncode

    assert knock(f"http://[{CADDY}]/") == 0
    assert knock(f"https://[{CADDY}]/") == 0
    # This machine has a route there, and only Docker's filter is in the way.
    assert knock(f"http://[{PANEL}]:9999/health") == TIMED_OUT


@pytest.mark.parametrize("version", VERSIONS)
def test_a_visitor_sees_the_site_by_ipv6(dual: Server, clients: Clients, version: str) -> None:
    page = clients["trojan"].run("curl", "--silent", "--show-error", "--cacert", "/client/ca.crt", version,
                                 "https://app.stealth.test/").stdout
    assert page.encode() == SITE


def test_a_second_up_changes_nothing_with_ipv6(dual: Server) -> None:
    assert "No changes; 6 containers healthy" in dual.up()
