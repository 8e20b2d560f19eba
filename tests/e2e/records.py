"""A relay that stands between a client and the server as a censor's box does, and notes each TLS record's size."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

from tests.e2e.outside import SERVER_ADDRESS

_HEADER_BYTES = 5
_APPLICATION_DATA = 23
"""Content type of every encrypted record (RFC 8446 section 5.1)."""

Record = tuple[str, int, int]
"""Who sent it (client or server), content type, and length in bytes."""


class _Passing(BaseRequestHandler):
    """Passes one connection on to the public port."""

    def __init__(self, records: list[Record], ends: list[socket.socket], *arguments: Any) -> None:
        self._records = records
        self._ends = ends
        super().__init__(*arguments)

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", 443)) as server:
            self._ends += [self.request, server]
            answers = threading.Thread(target=self._copy, args=(server, self.request, "server"))
            answers.start()
            self._copy(self.request, server, "client")
            answers.join()

    def _copy(self, source: socket.socket, target: socket.socket, sender: str) -> None:
        with suppress(OSError), source.makefile("rb") as reader:
            while len(header := reader.read(_HEADER_BYTES)) == _HEADER_BYTES:
                length = int.from_bytes(header[3:])
                self._records.append((sender, header[0], length))
                target.sendall(header + reader.read(length))
            target.shutdown(socket.SHUT_WR)


class Relay:
    """A relay that runs at `port` of the address where clients find the server; for one connection."""

    def __init__(self, port: int, records: list[Record]) -> None:
        self.port = port
        self._records = records

    def answer_to_finished(self) -> int:
        """Length of the first record that the server sent after the client's Finished; 0 if there was none."""
        encrypted = iter([(sender, length) for sender, kind, length in self._records if kind == _APPLICATION_DATA])
        next((sender for sender, _ in encrypted if sender == "client"), None)  # its first encrypted one is Finished
        return next((length for sender, length in encrypted if sender == "server"), 0)


@contextmanager
def relay() -> Iterator[Relay]:
    """Run a relay for as long as the block lasts."""
    records: list[Record] = []
    ends: list[socket.socket] = []
    with ThreadingTCPServer((SERVER_ADDRESS, 0), partial(_Passing, records, ends)) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        try:
            yield Relay(served.server_address[1], records)
        finally:
            served.shutdown()
            thread.join()
            for end in ends:
                with suppress(OSError):  # closed already
                    end.shutdown(socket.SHUT_RDWR)
