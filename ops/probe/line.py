"""One TCP connection to the server, and all that it sent."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_CONNECT_SECONDS = 10
_CHUNK_BYTES = 1 << 16
_SLICE_SECONDS = 1


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One of the two servers."""

    host: str
    domain: str
    port: int = 443
    plain_port: int = 80
    quiet_seconds: float = 0.5
    """Silence after which a server is taken to wait for more."""

    stop: threading.Event = field(default_factory=threading.Event)
    """Set when nobody wants the answers any more: every line of this endpoint then ends within a second."""

    def name(self, label: str) -> str:
        """Return a host name under the domain."""
        return f"{label}.{self.domain}"


class Line:
    """A connection that remembers what came and how it ended."""

    def __init__(self, endpoint: Endpoint, port: int | None = None) -> None:
        self._quiet_seconds, self._stop = endpoint.quiet_seconds, endpoint.stop
        self.received = b""
        self.end = "open"
        self.began = self._last = time.monotonic()
        self._socket = socket.create_connection((endpoint.host, port or endpoint.port), timeout=_CONNECT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._socket.close()

    @property
    def seconds(self) -> float:
        """Time until the connection ended or last said something."""
        return self._last - self.began

    def send(self, data: bytes) -> None:
        """Send; that the server has gone already is seen when reading."""
        with contextlib.suppress(OSError):
            self._socket.sendall(data)

    def finish(self) -> None:
        """Send FIN, and go on reading."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def read(self, wait_seconds: float | None = None) -> bytes:
        """Return what comes next; nothing when the server is silent or has ended the connection."""
        if self.end != "open":
            return b""
        until = time.monotonic() + (self._quiet_seconds if wait_seconds is None else wait_seconds)
        while not select.select([self._socket], [], [], max(0, min(_SLICE_SECONDS, until - time.monotonic())))[0]:
            if time.monotonic() >= until or self._stop.is_set():
                return b""
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except OSError:
            data, self.end = b"", "reset"
        else:
            self.end = self.end if data else "fin"
        self._last = time.monotonic()
        self.received += data
        return data

    def drain(self, wait_seconds: float | None = None, enough: Callable[[bytes], bool] = lambda _: False) -> None:
        """Read until the server is silent or ends the connection, or `enough` says so."""
        while self.read(wait_seconds) and not enough(self.received):
            pass

    def close_down(self) -> str:
        """Say how the connection ended; one still open is half closed, to see what the server does then."""
        if self.end != "open":
            return self.end
        self.finish()
        self.drain()
        return f"open, after our FIN {self.end}"
