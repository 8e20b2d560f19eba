"""Real listeners on this machine, at addresses that clients of the server should and should not reach."""

import errno
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address
from socketserver import BaseRequestHandler, BaseServer, TCPServer, ThreadingTCPServer, ThreadingUDPServer
from typing import Any

from tests.e2e.outside import ORIGIN_ADDRESS


class _Stream(BaseRequestHandler):
    """Answers whoever connects with the address that was reached, and counts it."""

    def __init__(self, address: str, seen: set[str], *arguments: Any) -> None:
        self._address, self._seen = address, seen
        super().__init__(*arguments)

    def handle(self) -> None:
        self._seen.add(self._address)
        self.request.recv(4096)
        self.request.sendall(f"HTTP/1.0 200 OK\r\n\r\n{self._address}".encode())


class _Packet(BaseRequestHandler):
    """Sends each packet back, and counts the address that it came to."""

    def __init__(self, address: str, seen: set[str], *arguments: Any) -> None:
        self._address, self._seen = address, seen
        super().__init__(*arguments)

    def handle(self) -> None:
        packet, answering = self.request
        self._seen.add(self._address)
        answering.sendto(packet, self.client_address)


class _Streams6(ThreadingTCPServer):
    address_family = socket.AF_INET6


class _Packets6(ThreadingUDPServer):
    address_family = socket.AF_INET6


# By the version of IP.
_STREAMS = {4: ThreadingTCPServer, 6: _Streams6}
_PACKETS = {4: ThreadingUDPServer, 6: _Packets6}
_TENTATIVE_SECONDS = 10


def _bound(make: Callable[[], TCPServer]) -> TCPServer:
    """Make a server at an address that may be new: an IPv6 one is nobody's for a while (RFC 4862 section 5.4)."""
    end = time.monotonic() + _TENTATIVE_SECONDS
    while True:
        try:
            return make()
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL or time.monotonic() > end:
                raise
            time.sleep(0.1)


@contextmanager
def listeners(bridges: list[str], extra: list[str]) -> Iterator[tuple[int, set[str]]]:
    """Listen by TCP and UDP at the origin's address, at bridges' and at extra ones, which this machine gets meanwhile.

    Yields the port, the same for all, and the set of addresses that were reached.
    """
    for address in extra:
        _own("replace", address)
    seen: set[str] = set()
    port = 0
    servers: list[BaseServer] = []
    for address in (ORIGIN_ADDRESS, *bridges, *extra):
        version = ip_address(address).version
        stream = _bound(partial(_STREAMS[version], (address, port), partial(_Stream, address, seen)))
        port = port or stream.socket.getsockname()[1]
        servers += [stream, _PACKETS[version]((address, port), partial(_Packet, address, seen))]
    for server in servers:
        threading.Thread(target=partial(server.serve_forever, poll_interval=0.05), daemon=True).start()
    try:
        yield port, seen
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        for address in extra:
            _own("delete", address)


def _own(verb: str, address: str) -> None:
    # A single address, of either family.
    subprocess.run(["ip", "address", verb, address, "dev", "lo"], check=True, timeout=10)
