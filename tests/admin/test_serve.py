import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from waitress.server import TcpWSGIServer

import serve
from panel import guard
from panel.limits import BODY_BYTES, IMPORT_BYTES
from tests.admin.panel_file import PATH, SECRETS, write

ADMIN = Path("admin")
START_SECONDS = 10
PROXY, STRANGER = "127.0.0.2", "127.0.0.3"


@dataclass
class Served:
    """A running panel of its own process."""

    port: int
    file: Path
    process: subprocess.Popen[str]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 5)

    def send(self, request: bytes) -> tuple[str, str]:
        """Return the head and the body of what the panel answers before it closes the connection."""
        with self.connect() as connection:
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.decode().partition("\r\n\r\n")
        return head, body

    def stop(self) -> tuple[float, str]:
        """Send SIGTERM; return the seconds until the end and everything that was logged."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=10)
        return time.monotonic() - began, output


def start(file: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, ADMIN / "serve.py", file], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def run_to_its_end(file: Path) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, ADMIN / "serve.py", file], text=True, check=False, timeout=START_SECONDS,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return ended.returncode, ended.stdout


def check_health(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", ADMIN / "healthcheck.py", file], text=True, capture_output=True, check=False)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    port = free_port()
    panel = Served(port, file := write(tmp_path, port=port, proxyAddress=PROXY), start(file))
    with panel.process:
        try:
            wait_until_it_listens(panel)
            yield panel
        finally:
            panel.process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def wait_until_it_blocks_sigterm(process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        blocked = int(status.split("SigBlk:")[1].split()[0], 16)
        if blocked >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.005)
    raise AssertionError("the panel does not block SIGTERM")


def wait_until_it_listens(panel: Served) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and panel.process.poll() is None:
        try:
            return panel.connect().close()
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise AssertionError("the panel does not listen")


def test_the_health_check_passes_without_site_packages(served: Served) -> None:
    checked = check_health(served.file)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "healthy\n", "")


def test_the_web_server_in_front_is_answered_and_a_stranger_is_not(served: Served) -> None:
    answers = {}
    for caller in (PROXY, STRANGER):
        with socket.create_connection(("127.0.0.1", served.port), 5, (caller, 0)) as connection:
            try:
                connection.sendall(b"GET /health HTTP/1.0\r\nHost: www.example.com\r\n\r\n")
                answers[caller] = connection.recv(15)
            except ConnectionError:
                answers[caller] = b""
    assert answers == {PROXY: b"HTTP/1.0 200 OK", STRANGER: b""}


def test_sigterm_ends_it_long_before_docker_would_kill_it_and_with_zero(served: Served) -> None:
    # One connection idle after an answer, another with half a request: neither may delay the end.
    with served.connect() as idle, served.connect() as half:
        idle.sendall(b"GET /health HTTP/1.1\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 200 OK")
        half.sendall(b"GET /health HTTP/1.1\r\nX-Half: ")
        seconds, output = served.stop()
    assert served.process.returncode == 0
    assert seconds < 5, "docker kills after ten"
    # Not the last line: the threads beside the requests may still say theirs.
    assert "INFO panel: The panel has stopped.\n" in output


def test_a_sigterm_during_the_start_is_not_lost(tmp_path: Path) -> None:
    with start(write(tmp_path, port=free_port())) as process:
        try:
            wait_until_it_blocks_sigterm(process)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=START_SECONDS)
        finally:
            process.kill()
    assert process.returncode == 0


def test_a_server_that_ends_by_itself_is_a_fault() -> None:
    # Neither the container nor its health check would otherwise learn of it.
    assert serve.serve_until_told(mock.Mock(spec=TcpWSGIServer)) == 1


@pytest.mark.parametrize(("request_text", "status"), [
    (f"GET {PATH}/login HTTP/1.0\r\n\r\n", "200 OK"),
    ("GET /nothing HTTP/1.0\r\n\r\n", "404 NOT FOUND"),
    ("nonsense\r\n\r\n", "400 Bad Request"),
    # No longer than the limit: the rest would lie unread, and the kernel would reset the connection for it.
    ("GET / HTTP/1.0\r\nX: ".ljust(16 * 1024, "x"), "431 Request Header Fields Too Large"),
    ("POST / HTTP/1.0\r\nContent-Length: 600000\r\n\r\n", "413 Request Entity Too Large"),
])
def test_every_answer_on_the_wire_has_the_headers_and_names_no_server(
    served: Served, request_text: str, status: str,
) -> None:
    head, body = served.send(request_text.encode())
    lines = head.split("\r\n")
    assert lines[0] == f"HTTP/1.0 {status}"
    assert [name for name, value in guard.HEADERS.items() if f"{name}: {value}" not in lines] == []
    assert [line for line in lines if line.startswith(("Server:", "Via:", "X-Powered-By:"))] == []
    assert "waitress" not in (head + body).lower()


@pytest.mark.parametrize(("path", "length", "is_taken"), [
    ("/api/v1/import", IMPORT_BYTES, True), ("/users/import", IMPORT_BYTES, True),
    ("/api/v1/import", IMPORT_BYTES + 1, False), ("/users/import", IMPORT_BYTES + 1, False),
    ("/users", BODY_BYTES, True), ("/users", BODY_BYTES + 1, False), ("/users/1/import", BODY_BYTES + 1, False),
    ("/api/v1/import/import", BODY_BYTES + 1, False), ("/API/v1/import", BODY_BYTES + 1, False)])
def test_a_body_may_be_large_at_the_two_addresses_of_imports_only(
    served: Served, path: str, length: int, is_taken: bool,
) -> None:
    # Only what is announced counts; the body of the one that is taken never comes.
    with served.connect() as connection:
        connection.sendall(f"POST {PATH}{path} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n".encode())
        connection.settimeout(0.5 if is_taken else 5)
        try:
            answer = connection.recv(16)
        except TimeoutError:
            answer = b""
    assert answer.startswith(b"HTTP/1.0 413") != is_taken


def test_no_secret_is_logged_even_at_debug(served: Served) -> None:
    for path in (f"{PATH}/", f"{PATH}/users", f"{PATH}/%00", f"{PATH}/static/../x"):
        served.send(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    served.send(f"{PATH}\r\n\r\n".encode())
    _, output = served.stop()
    assert "The panel listens on port" in output
    assert [secret for secret in SECRETS if secret in output] == []


def test_a_fault_of_the_configuration_is_one_sentence_and_code_2(tmp_path: Path) -> None:
    assert run_to_its_end(write(tmp_path, port=0)) == (
        2, "port is 0, but it must be a whole number from 1 to 65535; correct it in panel.json.\n")


def test_a_port_in_use_is_one_sentence_and_code_2(served: Served) -> None:
    assert run_to_its_end(served.file) == (
        2, f"port is {served.port}, but it cannot be opened (Address already in use); "
        "name a free one in panel.json.\n")
