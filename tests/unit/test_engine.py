import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from components.engine import cpu_count
from components.errors import SettingsError


class _Info(BaseHTTPRequestHandler):
    answer = b'{"NCPU": 3}'

    def do_GET(self) -> None:
        assert self.path == "/info"
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(self.answer), self.answer))

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


class _Silly(_Info):
    answer = b"<html>"


@pytest.fixture(params=[_Info])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "docker.sock"
    with socketserver.UnixStreamServer(str(path), request.param) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"unix://{path}"
        server.shutdown()
        thread.join()


def test_an_engine_tells_its_cores(engine: str) -> None:
    assert cpu_count(engine) == 3


@pytest.mark.parametrize("engine", [_Silly], indirect=True)
def test_an_answer_that_is_none_is_told_with_the_fix(engine: str) -> None:
    with pytest.raises(SettingsError, match=r"does not answer .* Start Docker there, or run `pulumi"):
        cpu_count(engine)


@pytest.mark.parametrize("host", ["unix:///no/such.sock", "ssh://127.0.0.1:1"])
def test_a_silent_engine_is_told_with_the_fix(host: str) -> None:
    with pytest.raises(SettingsError, match=f"dockerHost {host} does not answer .* resourceProfile standard"):
        cpu_count(host)
