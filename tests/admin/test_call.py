"""The program by which `ops` reaches the panel from inside its container."""

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

import call
from tests.admin import panel_file


@pytest.fixture
def file(app: Flask, tmp_path: Path) -> Iterator[Path]:
    """panel.json of a panel that is being served."""
    server = make_server("127.0.0.1", 0, app)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "served").mkdir()
    yield panel_file.write(tmp_path / "served", port=server.server_port)
    server.shutdown()
    server.server_close()


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str, body: str = "") -> str:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(body.encode())))
    assert call.main(list(words)) == 0
    return capsys.readouterr().out


def test_it_prints_what_the_panel_answers(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    made = json.loads(run(monkeypatch, capsys, "POST", "/users", str(file), body='{"name": "علی"}'))
    assert (made["status"], made["body"]["name"]) == (201, "علی")
    removed = run(monkeypatch, capsys, "DELETE", f"/users/{made['body']['id']}", str(file))
    assert json.loads(removed) == {"status": 204, "body": None}
    assert json.loads(run(monkeypatch, capsys, "POST", "/users", str(file), body="{}"))["status"] == 422


def test_without_a_panel_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    assert call.main(["GET", "/users", str(panel_file.write(tmp_path, port=1))]) == 1
    assert "does not answer at its port 1" in capsys.readouterr().err


def test_it_needs_a_method_and_a_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert call.main(["GET"]) == 2
