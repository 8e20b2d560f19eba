"""Reads the first user's link as a client program does, asking the server itself."""

import http.client
import json
import socket
import ssl
from contextlib import closing
from urllib.parse import urlsplit

from .errors import OperatorError

HTTPS_PORT = 443
"""Of Caddy's container, whatever port it is published by."""

_PATIENCE_SECONDS = 10


def connect(host: str, address: str, authority: str | None, patience_seconds: float,
            port: int = HTTPS_PORT) -> http.client.HTTPConnection:
    """Return a connection to a host by HTTPS, open at an address, whatever its name resolves to; raises OSError.

    `authority` is PEM of the root to trust, or None for the system's.
    """
    context = ssl.create_default_context(cadata=authority)
    plain = socket.create_connection((address, port), timeout=patience_seconds)
    connection = http.client.HTTPConnection(host)
    connection.sock = context.wrap_socket(plain, server_hostname=host)
    return connection


def answer(url: str, form: str, address: str, authority: str | None, port: int = HTTPS_PORT) -> str:
    """Return what the link answers in a form, from the server at an address, whatever its name resolves to.

    `authority` is that of `connect`. Raises OperatorError.
    """
    split = urlsplit(url)
    host = str(split.hostname)
    try:
        with closing(connect(host, address, authority, _PATIENCE_SECONDS, port)) as connection:
            connection.request("GET", f"{split.path}?format={form}")
            said = connection.getresponse()
            status, text = said.status, said.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise OperatorError(f"{host} at {address} does not answer the first user's link ({error}). "
                            "Run `make up`, which ends when all services are healthy.") from error
    if status != http.HTTPStatus.OK:
        raise OperatorError(f"{host} answers the first user's link with {status}: that user was deleted, or the link "
                            "revoked. Run this on a stack whose first user is as it was made.")
    return text


def links(url: str, address: str, authority: str | None, port: int = HTTPS_PORT) -> dict[str, str]:
    """Return the links and files by protocol; see `answer`."""
    found: dict[str, str] = json.loads(answer(url, "json", address, authority, port))
    return found
