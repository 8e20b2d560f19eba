"""No client reaches, through the server, what is not the public internet: 8 protocols, TCP and UDP, real listeners."""

import json
import os
import subprocess
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.client import IMAGE, Client, all_clients
from tests.e2e.containers import call_text
from tests.e2e.deployment import Server, docker, inspect
from tests.e2e.listeners import listeners
from tests.e2e.outside import CLIENTS, ORIGIN_ADDRESS, SERVER_ADDRESS, Outside
from tests.e2e.programs import PROTOCOLS, carrier

pytestmark = pytest.mark.integration

ALLOWED = "10.77.0.1"
# Gateways of the server's two networks and of Docker's own bridge, and the address that clients know the server by.
BRIDGES = ["172.20.0.1", "172.21.0.1", "172.17.0.1", SERVER_ADDRESS]
REFUSED = ["10.78.0.1", "100.64.77.1", "169.254.169.254", "172.31.77.1", "192.0.0.77", "192.88.99.77", "192.168.77.1",
           "198.18.77.1", "203.0.113.200"]
NEIGHBOUR = "172.20.0.200"
"""A container beside the server's own, on the network that traffic takes."""

ANY = "0.0.0.0"  # noqa: S104 - as a target it means the machine itself
# Each daemon's own ports by its loopback addresses, Caddy's site, the panel, and every management interface.
SERVICES = [
    ("127.0.0.1", 8001), ("127.0.0.1", 8002), ("127.0.0.1", 8003), ("127.0.0.1", 8004), ("127.8.8.8", 8002),
    (ANY, 8002), (ANY, 8003), (ANY, 8004), ("::1", 8002), ("::", 8002), ("::ffff:127.0.0.1", 8002),
    ("172.20.0.10", 443), ("172.20.0.10", 8080), ("172.20.0.11", 8001), ("172.20.0.11", 8009), ("172.20.0.12", 8002),
    ("172.20.0.13", 8003), ("172.20.0.14", 8006), ("172.20.0.15", 8010), ("172.21.0.11", 8020),
    ("172.21.0.12", 8020), ("172.21.0.13", 8020), ("172.21.0.14", 8020), ("172.21.0.15", 8010), ("10.66.66.1", 8006),
    ("10.66.66.1", 8020)]
# The gateway in the forms that IPv6 has for IPv4, and what is not public in IPv6.
FORMS = ["::ffff:172.20.0.1", "::172.20.0.1", "64:ff9b::172.20.0.1", "64:ff9b:1::172.20.0.1", "2002:ac14:1::1",
         "fd77::1", "fe80::1", "fec0::1", "ff02::1", "100::1", "2001::ac14:1"]
# What each name resolves to. The resolver does as the laxest ones do with numbers.
NAMES = {
    "stealth-admin": "172.20.0.15", "stealth-xray": "172.20.0.11", "admin": "172.20.0.15",
    "localhost": "127.0.0.1", "localhost.example": "127.0.0.1", "host.docker.internal": "172.17.0.1",
    "gateway.docker.internal": "172.20.0.1", "metadata.google.internal": "169.254.169.254",
    "private.example": "172.20.0.1", "lan.example": "192.168.77.1",
    "mapped.example": "::ffff:172.20.0.1", "nat64.example": "64:ff9b::ac14:1", "six-to-four.example": "2002:ac14:1::1",
    "2886991873": "172.20.0.1", "0xac140001": "172.20.0.1", "0254.024.0.1": "172.20.0.1", "172.20.1": "172.20.0.1",
    "2130706433": "127.0.0.1", "0x7f.1": "127.0.0.1", "017700000001": "127.0.0.1"}
# Public when it is judged, private when it is used, or the other way round.
REBINDING = [f"rebinding-{number}.example" for number in range(8)]
PUBLIC = "public.example"


@dataclass(frozen=True)
class Target:
    """What a client tries to reach."""

    network: str
    host: str
    port: int
    as_name: bool = False

    @property
    def must_answer(self) -> bool:
        """Tell whether it must be reached."""
        return self.host in (ORIGIN_ADDRESS, PUBLIC, ALLOWED)

    def may_answer(self, answer: str) -> bool:
        """Tell whether an answer is one of what may be reached; the listeners say by TCP who they are."""
        if self.host in REBINDING:
            return self.network == "udp" or answer.endswith(f"\n{ORIGIN_ADDRESS}")
        return self.must_answer

    def is_local_to(self, made: Client) -> bool:
        """Tell whether a client without SOCKS would not send this through its tunnel, or could not."""
        address = NAMES.get(self.host, self.host)
        return not made.socks and (":" in address or "localhost" in self.host or address == SERVER_ADDRESS or
                                   address.startswith(("127.", "0.")))


def table(port: int) -> list[Target]:
    """Return every target; those that must be reached stand first, last and between the others."""
    hosts = [*BRIDGES, *REFUSED, NEIGHBOUR, *FORMS, *NAMES, "private.example.", "stealth-admin.", "localhost.",
             *REBINDING]
    services = {"stealth-admin": 8010, "stealth-admin.": 8010, "admin": 8010, "stealth-xray": 8004, "localhost": 8002,
                "localhost.": 8004, "localhost.example": 8002, "2130706433": 8002, "0x7f.1": 8004, "017700000001": 8003}
    tried = [Target(network, host, services.get(host, port)) for network in ("tcp", "udp") for host in hosts]
    tried += [Target("tcp", host, number) for host, number in SERVICES]
    tried += [Target(network, host, port, as_name=True) for network in ("tcp", "udp") for host in [*BRIDGES, *FORMS]]
    must = [Target(network, host, port) for network in ("tcp", "udp") for host in (ORIGIN_ADDRESS, PUBLIC, ALLOWED)]
    half = len(tried) // 2
    return [*must, *tried[:half], *must, *tried[half:], *must]


@contextmanager
def neighbour(port: int) -> Iterator[str]:
    """Run a web server in a container on the server's own network; yields its name."""
    name = "e2e-neighbour"
    docker("rm", "--force", name, check=False)
    docker("run", "--detach", "--name", name, "--network", "stealth-vpn", "--ip", NEIGHBOUR, "--read-only", "--init",
           "--entrypoint", "/usr/bin/python3", "stealth-vpn/admin:local", "-u", "-m", "http.server", str(port))
    try:
        yield name
    finally:
        docker("rm", "--force", name)


def try_all(made: Client, targets: list[Target], beyond: Outside) -> list[tuple[Target, str | None]]:
    """Let a client try its targets; return what answered each."""
    assert made.fetch_when_ready(beyond.url).returncode == 0, made.logs()
    if not made.socks:
        made.route_all()
    own = [target for target in targets if not target.is_local_to(made)]
    lines = "\n".join(json.dumps({"Network": target.network, "Host": target.host, "Port": target.port,
                                  "AsName": target.as_name}) for target in own)
    done = made.reach(lines, beyond.resolver)
    assert done.returncode == 0, done.stderr
    return list(zip(own, json.loads(done.stdout), strict=True))


def test_clients_of_every_protocol_reach_the_internet_and_an_allowed_network_and_nothing_else(
    deployed: Server, beyond: Outside,
) -> None:
    beyond.names.update({name: deque([address]) for name, address in {**NAMES, PUBLIC: ORIGIN_ADDRESS}.items()})
    both = deque([ORIGIN_ADDRESS, "172.20.0.1"])
    for name in REBINDING:
        both.rotate()
        beyond.names[name] = both.copy()
    with (all_clients(deployed) as clients, listeners(BRIDGES, [ALLOWED, *REFUSED]) as (port, seen),
          neighbour(port) as container):
        targets = table(port)
        assert len({(target.host, target.port) for target in targets if not target.must_answer}) > 60
        with ThreadPoolExecutor(max_workers=len(clients)) as pool:
            done = {name: pool.submit(try_all, made, targets, beyond) for name, made in clients.items()}
            answers = [(name, *pair) for name, future in done.items() for pair in future.result()]
        assert set(done) == set(PROTOCOLS)
        assert [(name, target) for name, target, answer in answers if answer and not target.may_answer(answer)] == []
        assert [(name, target) for name, target, answer in answers if target.must_answer and not answer] == []
        assert seen == {ORIGIN_ADDRESS, ALLOWED}
        assert "GET" not in docker("logs", container)
        # All of them could have been reached: what is not guarded does so from the same place.
        everybody = [f"{address}:{port}" for address in (*BRIDGES, *REFUSED, NEIGHBOUR)]
        for service in ("xray", "trojan", "singbox"):
            assert probe(service, *everybody).returncode == 0
        assert seen == {ORIGIN_ADDRESS, ALLOWED, *BRIDGES, *REFUSED}


def listening(service: str) -> set[tuple[str, int]]:
    """Return the address and port of each TCP socket that listens in a service's container."""
    pid = inspect(service)["State"]["Pid"]
    found = set()
    for file in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{file}") as lines:
            # Columns of proc_pid_net(5): the local address in the machine's byte order, and 0A for LISTEN.
            fields = [line.split() for line in lines][1:]
        found |= {(_address(row[1].partition(":")[0]), int(row[1].rpartition(":")[2], 16))
                  for row in fields if row[3] == "0A"}
    # Docker's own resolver listens on a loopback address of each container.
    return {(address, port) for address, port in found if address != "127.0.0.11"}


def _address(text: str) -> str:
    words = bytes.fromhex(text)
    return str(ip_address(b"".join(words[at:at + 4][::-1] for at in range(0, len(words), 4))))


@pytest.mark.parametrize(("service", "management", "others"), [
    ("xray", ("172.21.0.11", 8020), {8001, 8004, 8009}), ("wireguard", ("172.21.0.14", 8020), {8006}),
    ("trojan", ("172.21.0.12", 8020), {8002}), ("singbox", ("172.21.0.13", 8020), {8003})])
def test_a_management_interface_listens_on_the_control_network_only(
    deployed: Server, service: str, management: tuple[str, int], others: set[int],
) -> None:
    found = listening(service)
    assert {pair for pair in found if pair[1] not in others} == {management}
    assert {port for _, port in found} == {management[1], *others}


def probe(service: str, *targets: str, kind: str = "tcp") -> subprocess.CompletedProcess[str]:
    """Try to connect from inside a service's container, to each target."""
    return call_text("exec", f"stealth-{service}", "/usr/local/bin/probe", kind, *targets, timeout_seconds=30)


def test_no_management_interface_can_be_reached_from_caddy(deployed: Server) -> None:
    assert probe("caddy", "172.20.0.15:8010").returncode == 0, "what Caddy must reach"
    addresses = [f"172.{network}.0.{interface}" for network in (20, 21)
                 for interface in ("11:8020", "12:8020", "13:8020", "14:8020")]
    with ThreadPoolExecutor(max_workers=len(addresses)) as pool:
        done = dict(zip(addresses, pool.map(partial(probe, "caddy"), addresses), strict=True))
    assert [address for address, tried in done.items() if tried.returncode == 0] == []


def test_the_panel_answers_caddy_and_no_other_container(deployed: Server) -> None:
    health = {address: (f"http://{address}:8010/health", "--host", "www.stealth.test")
              for address in ("172.20.0.15", "172.21.0.15")}
    answered = {service: probe(service, *health[address], kind="http").returncode == 0
                for service, address in (("caddy", "172.20.0.15"), ("xray", "172.20.0.15"), ("trojan", "172.21.0.15"),
                                         ("singbox", "172.21.0.15"))}
    assert answered == {"caddy": True, "xray": False, "trojan": False, "singbox": False}


def test_a_chisel_client_that_breaks_its_word_opens_nothing_but_the_cover_site(
    deployed: Server, beyond: Outside, tmp_path: Path,
) -> None:
    outputs = deployed.outputs()
    given = carrier(deployed.links()["wireguardWebsocket"])
    (tmp_path / "ca.crt").write_text(outputs["authorityCertificate"])
    cover, refused = "172.20.0.10:8080", [
        "172.20.0.15:8010", "172.21.0.15:8010", "172.21.0.14:8020", "172.21.0.13:8020", "172.20.0.11:8009",
        "172.20.0.10:443", "172.20.0.1:80", "127.0.0.11:53", beyond.url.removeprefix("http://").rstrip("/"), "socks"]
    beyond.seen.clear()
    done = subprocess.run(
        ["docker", "run", "--rm", "--network", CLIENTS, "--volume", f"{tmp_path}:/client:ro", "--env", "AUTH",
         "--add-host", f"{urlsplit(given.server).hostname}:{SERVER_ADDRESS}", "--entrypoint", "/usr/local/bin/forger",
         IMAGE, "-ca", "/client/ca.crt", "-server", given.server, "-announce", f"{given.target}/udp", cover, *refused],
        capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "AUTH": given.auth})
    assert done.returncode == 0, done.stderr
    answers = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert answers.pop(cover).startswith('"HTTP/1.0 200 OK')
    assert answers == dict.fromkeys(refused, '""')
    assert beyond.seen == []
