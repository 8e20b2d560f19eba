"""The world beyond the server: a network that clients are on, and an origin on another one that they fetch from.

Both are of the documentation's address ranges (RFC 5737, RFC 3849), and not of private ones, so that the daemons let
clients go there.
"""

import socket
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from socketserver import BaseRequestHandler, ThreadingUDPServer
from typing import Any

from tests.e2e.deployment import clean, docker, refuse_beside_another_server
from tests.e2e.lines import machine, on_machine

CLIENTS, SERVER_ADDRESS = "e2e-clients", "198.51.100.1"
"""The clients' network, and the address at which they find the published port."""

ORIGINS, ORIGIN_ADDRESS, ORIGIN_ADDRESS6 = "e2e-origins", "203.0.113.1", "2001:db8:113::1"
TARGETS = ("203.0.113.0/24", "2001:db8:113::/48")
"""What clients fetch from, also what tests add to it (tests/e2e/lines.py)."""

# No larger than it must be: some machines reach their package registry at an address of that range.
_ORIGINS_SUBNET = "203.0.113.0/26"
_NETWORKS = {CLIENTS: ("--subnet", "198.51.100.0/24", "--gateway", SERVER_ADDRESS),
             ORIGINS: ("--subnet", _ORIGINS_SUBNET, "--gateway", ORIGIN_ADDRESS)}
# Not the gateway of a network: that address cannot be used before a container is there.
_LOOPBACK6 = f"{ORIGIN_ADDRESS6}/128 dev lo"
ANSWER = "192.0.2.77"
_DNS_PORT = 53
# RFC 1035 section 3.2.2 and RFC 3596: A and AAAA.
_TYPES = {4: b"\0\x01", 6: b"\0\x1c"}
PAGE = b"the page behind the tunnel\n" * 4000


class _Page(BaseHTTPRequestHandler):
    """Serves PAGE and remembers who asked."""

    def __init__(self, seen: list[str], *arguments: Any) -> None:
        self._seen = seen
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self._seen.append(self.client_address[0])
        # /silent/65 says nothing for 65 seconds.
        if self.path.startswith("/silent/"):
            time.sleep(int(self.path.rpartition("/")[2]))
        # /slow/45 takes 45 seconds for the page.
        pieces = 10 * int(self.path.rpartition("/")[2]) if self.path.startswith("/slow/") else 1
        size = len(PAGE) // pieces + 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        for piece in range(pieces):
            self.wfile.write(PAGE[piece * size:(piece + 1) * size])
            time.sleep(0.1 if pieces > 1 else 0)

    def do_PUT(self) -> None:
        """Tell how many bytes came."""
        self._seen.append(self.client_address[0])
        came = str(len(self.rfile.read(int(self.headers["Content-Length"])))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(came)))
        self.end_headers()
        self.wfile.write(came)

    def log_message(self, *_: Any) -> None:
        """Say nothing; the tests look at what was seen."""


class _Names(BaseRequestHandler):
    """A resolver (RFC 1035 section 4.1) whose answers nobody may keep, and which remembers who asked."""

    def __init__(self, outside: "Outside", *arguments: Any) -> None:
        self._outside = outside
        super().__init__(*arguments)

    def handle(self) -> None:
        query, answering = self.request
        self._outside.seen.append(self.client_address[0])
        # The question ends with the empty label, a type and a class.
        end = query.index(b"\0", 12) + 5
        records = self._records(_name(query[12:end]), query[end - 4:end - 2])
        # What follows the question stays: OPT (RFC 6891), or padding, which makes a large answer.
        counts = b"\0\1" + len(records).to_bytes(2) + bytes(2) + query[10:12]
        answering.sendto(query[:2] + b"\x81\x80" + counts + query[12:end] + b"".join(records) + query[end:],
                         self.client_address)

    def _records(self, name: str, kind: bytes) -> list[bytes]:
        addresses = self._outside.names[name]
        # Of a copy, for other requests rotate it meanwhile.
        fitting = [address for address in map(ip_address, addresses.copy()) if kind == _TYPES[address.version]]
        if not fitting:
            return []
        addresses.rotate(-1)
        # The name of the question, the type, class IN, no time to live.
        return [b"\xc0\x0c" + kind + b"\0\1" + bytes(4) + len(fitting[0].packed).to_bytes(2) + fitting[0].packed]


def _name(question: bytes) -> str:
    labels, rest = [], question
    while rest[0]:
        labels.append(rest[1:rest[0] + 1].decode().lower())
        rest = rest[rest[0] + 1:]
    return ".".join(labels)


class _Pages6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


class _Names6(ThreadingUDPServer):
    address_family = socket.AF_INET6


class Outside:
    """An origin and a resolver that are being served, each by IPv4 and by IPv6."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        """Addresses that asked the origin or the resolver, in order."""

        self.names: defaultdict[str, deque[str]] = defaultdict(lambda: deque([ANSWER]))
        """The addresses of each name, which the resolver gives one by one in turn: to every other name ANSWER."""

        page, names = partial(_Page, self.seen), partial(_Names, self)
        origin, origin6 = ThreadingHTTPServer((ORIGIN_ADDRESS, 0), page), _Pages6(("::", 0), page)
        self.servers = [origin, origin6, ThreadingUDPServer((ORIGIN_ADDRESS, _DNS_PORT), names),
                        _Names6((ORIGIN_ADDRESS6, _DNS_PORT), names)]
        self.port6 = origin6.server_port
        """Port of the pages, at every IPv6 address of this machine."""

        self.url, self.url6 = (f"http://{ORIGIN_ADDRESS}:{origin.server_port}/",
                               f"http://[{ORIGIN_ADDRESS6}]:{self.port6}/")
        self.resolver, self.resolver6 = f"{ORIGIN_ADDRESS}:{_DNS_PORT}", f"[{ORIGIN_ADDRESS6}]:{_DNS_PORT}"


def is_server(address: str) -> bool:
    """Tell whether an address is one of the server's containers, as an origin on the same machine sees them."""
    return address.startswith(("172.20.0.", "fd9c:3b1e:7a20:1::"))


def clear() -> None:
    """Remove the networks, which may be of a run that was ended by force."""
    for name in _NETWORKS:
        docker("network", "rm", "--force", name)


def begin() -> None:
    """Leave nothing of an earlier run of these tests, and fail where a server is not theirs."""
    refuse_beside_another_server()
    clean()
    clear()


@contextmanager
def outside() -> Iterator[Outside]:
    """Make the networks and the origin for as long as the block lasts, and `lines.machine` with them."""
    with machine():
        clear()
        for name, words in _NETWORKS.items():
            docker("network", "create", *words, name)
        # Without looking for a duplicate: until the kernel gets round to that, nobody may listen there.
        on_machine(f"ip address replace {_LOOPBACK6} nodad")
        made = Outside()
        for served in made.servers:
            threading.Thread(target=served.serve_forever, daemon=True).start()
        try:
            yield made
        finally:
            for served in made.servers:
                served.shutdown()
                served.server_close()
            on_machine(f"ip address delete {_LOOPBACK6}")
            clear()
