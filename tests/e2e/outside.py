"""The world beyond the server: a network that clients are on, and an origin on another one that they fetch from.

Both are of the documentation's address ranges (RFC 5737): no private ones, so the daemons let clients go there.
"""

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

from tests.e2e.deployment import docker

CLIENTS, SERVER_ADDRESS = "e2e-clients", "198.51.100.1"
"""The clients' network, and the address at which they find the published port."""

ORIGINS, ORIGIN_ADDRESS = "e2e-origins", "203.0.113.1"
_SUBNETS = {CLIENTS: (f"{SERVER_ADDRESS[:-1]}0/24", SERVER_ADDRESS),
            ORIGINS: (f"{ORIGIN_ADDRESS[:-1]}0/24", ORIGIN_ADDRESS)}
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

    def log_message(self, *_: Any) -> None:
        """Say nothing; the tests look at what was seen."""


class Outside:
    """An origin that is being served, and a resolver."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        """Addresses that asked the origin or the resolver, in order."""

        self.names: defaultdict[str, deque[str]] = defaultdict(lambda: deque([ANSWER]))
        """The addresses of each name, which the resolver gives one by one in turn: to every other name ANSWER."""

        self.origin = ThreadingHTTPServer((ORIGIN_ADDRESS, 0), partial(_Page, self.seen))
        self.url = f"http://{ORIGIN_ADDRESS}:{self.origin.server_port}/"
        self.resolver = f"{ORIGIN_ADDRESS}:{_DNS_PORT}"


class _Names(BaseRequestHandler):
    """A resolver (RFC 1035 section 4.1) whose answers nobody may keep, and which remembers who asked."""

    def __init__(self, outside: Outside, *arguments: Any) -> None:
        self._outside = outside
        super().__init__(*arguments)

    def handle(self) -> None:
        query, socket = self.request
        self._outside.seen.append(self.client_address[0])
        # The question ends with the empty label, a type and a class.
        end = query.index(b"\0", 12) + 5
        records = self._records(_name(query[12:end]), query[end - 4:end - 2])
        counts = b"\0\1" + len(records).to_bytes(2) + bytes(4)
        socket.sendto(query[:2] + b"\x81\x80" + counts + query[12:end] + b"".join(records), self.client_address)

    def _records(self, name: str, kind: bytes) -> list[bytes]:
        addresses = self._outside.names[name]
        address = ip_address(addresses[0])
        if kind != _TYPES[address.version]:
            return []
        addresses.rotate(-1)
        # The name of the question, the type, class IN, no time to live.
        return [b"\xc0\x0c" + kind + b"\0\1" + bytes(4) + len(address.packed).to_bytes(2) + address.packed]


def _name(question: bytes) -> str:
    labels, rest = [], question
    while rest[0]:
        labels.append(rest[1:rest[0] + 1].decode().lower())
        rest = rest[rest[0] + 1:]
    return ".".join(labels)


def is_server(address: str) -> bool:
    """Tell whether an address is one of the server's containers, as an origin on the same machine sees them."""
    return address.startswith("172.20.0.")


@contextmanager
def outside() -> Iterator[Outside]:
    """Make the networks and the origin for as long as the block lasts."""
    for name, (subnet, gateway) in _SUBNETS.items():
        docker("network", "rm", name, check=False)
        docker("network", "create", "--subnet", subnet, "--gateway", gateway, name)
    made = Outside()
    names = ThreadingUDPServer((ORIGIN_ADDRESS, _DNS_PORT), partial(_Names, made))
    for served in (made.origin, names):
        threading.Thread(target=served.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        for served in (made.origin, names):
            served.shutdown()
            served.server_close()
        for name in _SUBNETS:
            docker("network", "rm", name)
