"""Requests whose body never ends, more of them than the panel has connections: it and users' links must go on."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ops.docker import Engine
from ops.panel import Panel
from panel.limits import BODY_BYTES
from panel.listener import CONNECTIONS
from tests.e2e.deployment import Server
from tests.e2e.test_traffic import visit
from tests.e2e.visitor import tell

pytestmark = pytest.mark.integration

HOST = "www.stealth.test"
SENDERS = CONNECTIONS + 30
LENGTH = f"Content-Length: {BODY_BYTES}"
CASES = {
    "a link": ("GET {link}", LENGTH), "a link's head": ("HEAD {link}", LENGTH),
    "a link on demand": ("GET {link}", f"{LENGTH}\r\nExpect: 100-continue"),
    "a page": ("GET {panel}/login", LENGTH), "a form": ("POST {panel}/users/new", LENGTH),
    "a form in pieces": ("POST {panel}/users/new", "Transfer-Encoding: chunked"),
    "a form byte by byte": ("POST {panel}/users/new", f"{LENGTH}\r\nIncremental: ?1"),
    "a change": ("PATCH {panel}/api/v1/users/1", LENGTH),
    "a stranger's file": ("POST {panel}/api/v1/import", LENGTH),
    "a stranger's form of a file": ("POST {panel}/users/import", LENGTH),
    "an address in capitals": ("POST {panel}/API/v1/IMPORT", LENGTH),
    "an operator's file": ("POST {panel}/api/v1/import", f"{LENGTH}\r\nAuthorization: Bearer {{token}}"),
}
# One of each way through Caddy: a link, a page, a form, and what may take a file.
_USUAL = {"a link", "a page", "a form byte by byte", "an operator's file"}


def connect() -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", 443), timeout=10), server_hostname=HOST)


@contextmanager
def slow_senders(line: str, fields: str) -> Iterator[None]:
    """Send many requests and of each body only the beginning, for as long as the block lasts."""
    with ExitStack() as held:
        for _ in range(SENDERS):
            sender = held.enter_context(connect())
            sender.sendall(f"{line} HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n\r\n5\r\nab".encode())
        yield


@pytest.fixture
def patient(server: Server) -> Server:
    """The server, which does not count how often one address asks."""
    server.stand(rateLimitVpn=100_000)
    return server


@contextmanager
def operator_token() -> Iterator[str]:
    """Make a token that may import, for as long as the block lasts."""
    inside = Panel(Engine("unix:///var/run/docker.sock"))
    (owner,) = (account["id"] for account in inside.call("GET", "/accounts") if account["role"] == "owner")
    made = inside.call("POST", f"/accounts/{owner}/tokens", {"name": "slow", "scopes": ["users:write"], "days": 1})
    try:
        yield made["token"]
    finally:
        inside.call("DELETE", f"/accounts/{owner}/tokens/{made['id']}")


def post(path: str, body: bytes) -> bytes:
    """Send a form as a stranger, and return the first line of the answer."""
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return tell("127.0.0.1", HOST, head.encode() + body)[0].partition(b"\r\n")[0]


@pytest.mark.parametrize("case", [
    pytest.param(case, marks=[] if case in _USUAL else [pytest.mark.long]) for case in CASES])
def test_bodies_that_never_end_keep_nobody_from_the_panel_and_the_links(
    patient: Server, tmp_path: Path, case: str,
) -> None:
    outputs = patient.outputs()
    panel, link = (urlsplit(outputs[name]).path.rstrip("/") for name in ("panelUrl", "subscriptionUrl"))
    with operator_token() as token:
        line, fields = (text.format(panel=panel, link=link, token=token) for text in CASES[case])
        with slow_senders(line, fields):
            page = visit(HOST, outputs["authorityCertificate"], tmp_path, "--max-time", "8", path=f"{panel}/login")
            assert b"csrf_token" in page
            assert post(f"{panel}/users/new", b"name=x") == b"HTTP/1.1 303 See Other"
            assert patient.links().keys() >= {"trojan"}


def test_a_body_of_the_greatest_size_is_taken_and_a_larger_one_is_not(deployed: Server) -> None:
    path = urlsplit(deployed.outputs()["panelUrl"]).path + "users/new"
    assert post(path, bytes(BODY_BYTES)) == b"HTTP/1.1 303 See Other"
    assert post(path, bytes(BODY_BYTES + 1)) == b"HTTP/1.1 413 Request Entity Too Large"
