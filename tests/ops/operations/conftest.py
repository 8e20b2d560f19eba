from pathlib import Path

import pytest

from ops.drift import record
from tests.ops.operations.fakes import FakeEngine, install


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeEngine:
    # What this checkout's own server was found to be is no affair of the tests.
    monkeypatch.setattr(record, "LOG_FOLDER", tmp_path / ".pulumi" / "logs")
    return install(monkeypatch)
