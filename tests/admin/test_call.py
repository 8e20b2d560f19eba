"""The program by which `ops` reaches the panel from inside its container."""

import io
import json
from pathlib import Path

import pytest

import call
from tests.admin import panel_file


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str, body: str = "") -> str:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(body.encode())))
    assert call.main(list(words)) == 0
    return capsys.readouterr().out


def test_it_prints_what_the_panel_answers(
    served_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    made = json.loads(run(monkeypatch, capsys, "POST", "/users", str(served_file), body='{"name": "علی"}'))
    user = json.loads(made["text"])
    assert (made["status"], user["name"]) == (201, "علی")
    removed = run(monkeypatch, capsys, "DELETE", f"/users/{user['id']}", str(served_file))
    assert json.loads(removed) == {"status": 204, "text": ""}
    assert json.loads(run(monkeypatch, capsys, "POST", "/users", str(served_file), body="{}"))["status"] == 422


def test_without_a_panel_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    assert call.main(["GET", "/users", str(panel_file.write(tmp_path, port=1))]) == 1
    assert "does not answer at its port 1" in capsys.readouterr().err


def test_it_needs_a_method_and_a_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert call.main(["GET"]) == 2
