"""The HTTP server: waitress, with limits for one small container and without words of its own.

Pure Python and threads only, so it needs no writable folder. TLS is Caddy's; here is plain HTTP on the
containers' network.
"""

import copy
import socket
from typing import Any

from flask import Flask
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask

from .config import ConfigError, PanelConfig
from .guard import HEADERS
from .limits import BODY_BYTES, IMPORT_BYTES, IMPORT_PATHS

_THREADS = 4
CONNECTIONS = 100
# How long a connection may lie idle, half a request on it included.
_IDLE_SECONDS = 30
_HEADER_BYTES = 16 * 1024


class _PlainError(ErrorTask):
    """The answer to what is no HTTP or too large; it never reaches Flask, so it gets the headers here."""

    def execute(self) -> None:
        error = self.request.error  # type: ignore[attr-defined] # the stubs take the request for its error
        body = f"{error.reason}\n".encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers = [("Content-Type", "text/plain; charset=utf-8"), *HEADERS.items()]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Limits(Adjustments):
    import_paths: frozenset[str]


class _Parser(HTTPRequestParser):
    """Lets an import of users be larger than all other requests."""

    adj: _Limits

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.path in self.adj.import_paths:  # type: ignore[attr-defined] # set by the method above
            self.adj = copy.copy(self.adj)
            # Waitress refuses the number itself, too.
            self.adj.max_request_body_size = IMPORT_BYTES + 1


class _Channel(HTTPChannel):
    parser_class = _Parser
    error_task_class = _PlainError


class _Server(TcpWSGIServer):
    channel_class = _Channel
    callers: frozenset[str]

    def accept(self) -> tuple[socket.socket, Any] | None:
        """Take the next connection; one of a stranger is closed before a byte of it is read."""
        taken: tuple[socket.socket, Any] | None = super().accept()
        if taken is None or taken[1][0] in self.callers:
            return taken
        taken[0].close()
        return None


def listen(app: Flask, config: PanelConfig) -> TcpWSGIServer:
    """Open the port and return the server, whose run() serves until the process ends.

    It answers the web server in front and the health check. Raises ConfigError when the port is taken.
    """
    limits = _Limits(
        # Every address: the container's is not known here.
        host="0.0.0.0", port=config.port,  # noqa: S104
        # guard.py reads the proxy's headers, from Caddy only.
        clear_untrusted_proxy_headers=False,
        # An empty name sends no Server header.
        ident="", threads=_THREADS, connection_limit=CONNECTIONS, channel_timeout=_IDLE_SECONDS,
        max_request_header_size=_HEADER_BYTES, max_request_body_size=BODY_BYTES + 1,
        # select() cannot watch a descriptor above 1023.
        asyncore_use_poll=True)
    limits.import_paths = frozenset(config.path + path for path in IMPORT_PATHS)
    try:
        server = _Server(app, adj=limits)
    except OSError as error:
        raise ConfigError(
            f"port is {config.port}, but it cannot be opened ({error.strerror}); name a free one in panel.json.",
        ) from None
    server.callers = frozenset({config.proxy_address, "127.0.0.1"})
    return server
