import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import healthcheck
from tests.admin.panel_file import SECRETS, VALUES, write, write_text

GOOD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"status":"ok"}\n'


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        threads = []

        def start(answer: bytes) -> int:
            threads.append(threading.Thread(target=answer_once, args=(listener, answer)))
            threads[0].start()
            return int(listener.getsockname()[1])

        yield start
        for thread in threads:
            thread.join()


def answer_once(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(1024)
        connection.sendall(answer)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    text = capsys.readouterr()
    assert text.err == ""
    assert text.out.count("\n") == 1
    assert [secret for secret in SECRETS if secret in text.out] == []
    return text.out.strip()


def test_an_ok_is_healthy(
    tmp_path: Path, answering: Callable[[bytes], int], capsys: pytest.CaptureFixture[str],
) -> None:
    assert healthcheck.main([str(write(tmp_path, port=answering(GOOD)))]) == 0
    assert said(capsys) == "healthy"


@pytest.mark.parametrize("answer", [
    GOOD.replace(b"200", b"500"), GOOD.replace(b"ok", b"no"), GOOD.replace(b'"}', b""), b"200", b"",
    b"HTTP/1.1 200 OK\r\n\r\n\xff", b"x" * 100_000,
])
def test_any_other_answer_is_unhealthy(
    tmp_path: Path, answering: Callable[[bytes], int], capsys: pytest.CaptureFixture[str], answer: bytes,
) -> None:
    port = answering(answer)
    assert healthcheck.main([str(write(tmp_path, port=port))]) == 1
    assert said(capsys).startswith("unhealthy: ")


def test_a_closed_port_is_unhealthy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as bound:  # bound, but not listening: nobody else can take it meanwhile
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        assert healthcheck.main([str(write(tmp_path, port=port))]) == 1
    assert said(capsys).startswith(f"unhealthy: no answer on port {port}: ")


@pytest.mark.parametrize("port", ["8010", None, 0, 65536, True, 1.5])
def test_a_port_that_is_none_is_unhealthy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], port: object,
) -> None:
    assert healthcheck.main([str(write(tmp_path, port=port))]) == 1
    assert said(capsys) == "unhealthy: panel.json cannot be read or has no valid port"


@pytest.mark.parametrize("text", ["", "[]", "{}", "1", b"\xff", "[" * 100_000, repr(VALUES)])
def test_a_broken_file_is_unhealthy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | bytes,
) -> None:
    assert healthcheck.main([str(write_text(tmp_path, text))]) == 1
    assert said(capsys) == "unhealthy: panel.json cannot be read or has no valid port"


def test_a_missing_file_is_unhealthy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert healthcheck.main([str(tmp_path / "none")]) == 1
    assert said(capsys) == "unhealthy: panel.json cannot be read or has no valid port"
