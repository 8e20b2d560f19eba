"""Reads the first user's link as a client program does, asking the server itself."""

import http.client
import json
import socket
import ssl
from urllib.parse import urlsplit

from .errors import OperatorError

HTTPS_PORT = 443
"""Of Caddy's container, whatever port it is published by."""

_PATIENCE_SECONDS = 10


def answer(url: str, form: str, address: str, authority: str | None) -> str:
    """Return what the link answers in a form, from the server at an address, whatever its name resolves to.

    `authority` is PEM of the root to trust, or None for the system's. Raises OperatorError.
    """
    split = urlsplit(url)
    host = str(split.hostname)
    context = ssl.create_default_context(cadata=authority)
    try:
        with socket.create_connection((address, HTTPS_PORT), timeout=_PATIENCE_SECONDS) as plain, \
                context.wrap_socket(plain, server_hostname=host) as line:
            connection = http.client.HTTPConnection(host)
            connection.sock = line
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


def links(url: str, address: str, authority: str | None) -> dict[str, str]:
    """Return the links and files by protocol; see `answer`."""
    found: dict[str, str] = json.loads(answer(url, "json", address, authority))
    return found
