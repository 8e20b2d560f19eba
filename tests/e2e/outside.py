"""The world beyond the server: a network that clients are on, and an origin on another one that they fetch from.

Both are of the documentation's address ranges (RFC 5737): no private ones, so the daemons let clients go there.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from socketserver import BaseRequestHandler, ThreadingUDPServer
from typing import Any

from tests.e2e.deployment import docker

CLIENTS, SERVER_ADDRESS = "e2e-clients", "198.51.100.1"
"""The clients' network, and the address at which they find the published port."""

ORIGINS, ORIGIN_ADDRESS = "e2e-origins", "203.0.113.1"
_SUBNETS = {CLIENTS: (f"{SERVER_ADDRESS[:-1]}0/24", SERVER_ADDRESS),
            ORIGINS: (f"{ORIGIN_ADDRESS[:-1]}0/24", ORIGIN_ADDRESS)}
ANSWER = "192.0.2.77"
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


class _Names(BaseRequestHandler):
    """A resolver that gives every name ANSWER (RFC 1035 section 4.1), and remembers who asked."""

    def __init__(self, seen: list[str], *arguments: Any) -> None:
        self._seen = seen
        super().__init__(*arguments)

    def handle(self) -> None:
        query, socket = self.request
        self._seen.append(self.client_address[0])
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + IPv4Address(ANSWER).packed
        socket.sendto(query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:] + record, self.client_address)


class Outside:
    """An origin that is being served."""

    def __init__(self, port: int, resolver_port: int, seen: list[str]) -> None:
        self.url = f"http://{ORIGIN_ADDRESS}:{port}/"
        self.resolver = f"{ORIGIN_ADDRESS}:{resolver_port}"
        self.seen = seen
        """Addresses that asked the origin, in order."""


def is_server(address: str) -> bool:
    """Tell whether an address is one of the server's containers, as an origin on the same machine sees them."""
    return address.startswith("172.20.0.")


@contextmanager
def outside() -> Iterator[Outside]:
    """Make the networks and the origin for as long as the block lasts."""
    for name, (subnet, gateway) in _SUBNETS.items():
        docker("network", "rm", name, check=False)
        docker("network", "create", "--subnet", subnet, "--gateway", gateway, name)
    seen: list[str] = []
    origin = ThreadingHTTPServer((ORIGIN_ADDRESS, 0), partial(_Page, seen))
    names = ThreadingUDPServer((ORIGIN_ADDRESS, 0), partial(_Names, seen))
    for served in (origin, names):
        threading.Thread(target=served.serve_forever, daemon=True).start()
    try:
        yield Outside(origin.server_port, names.server_address[1], seen)
    finally:
        for served in (origin, names):
            served.shutdown()
            served.server_close()
        for name in _SUBNETS:
            docker("network", "rm", name)
