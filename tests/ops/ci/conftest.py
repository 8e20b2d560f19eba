"""The steps on a fake `ops`, which says what it was asked and ends as a test wants."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.ci import place, report
from ops.ci.__main__ import main
from ops.ci.hidden import Hidden
from ops.ci.run import Ops

SECRET = "a-secret-of-the-stack"  # noqa: S105 - a fake
_PROGRAM = """import json, sys
told = json.load(open(sys.argv[1]))[sys.argv[2]]
print(told["out"])
print(told["err"], file=sys.stderr)
sys.exit(told["code"])
"""


class FakeOps:
    """What each command of `ops` prints and ends with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    def will(self, command: str, out: str = "", err: str = "", code: int = 0) -> None:
        self.told[command] = {"out": out, "err": err, "code": code}

    def command(self, words: tuple[str, ...]) -> list[str]:
        self.asked.append(" ".join(words))
        told, program = self.folder / "told.json", self.folder / "program.py"
        told.write_text(json.dumps({"": {}, words[0]: {"out": "", "err": "", "code": 0}} | self.told))
        program.write_text(_PROGRAM)
        return [sys.executable, str(program), str(told), words[0]]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeOps:
    made = FakeOps(tmp_path)
    monkeypatch.setattr(Ops, "_command", made.command)
    monkeypatch.setattr(place, "enter", lambda: None)
    monkeypatch.setattr(place, "existing", lambda name: name)
    monkeypatch.setattr(Hidden, "of", lambda _: Hidden.among([SECRET]))
    monkeypatch.setattr(report, "FOLDER", tmp_path / "ci-out")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return made


@pytest.fixture
def step() -> Callable[..., Result]:
    """Run a step on staging."""
    return lambda *words: CliRunner().invoke(main, ["--stack", "staging", *words])
