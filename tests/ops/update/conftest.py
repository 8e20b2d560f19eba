from pathlib import Path

import pytest

from ops.drift import record
from ops.update import journal
from tests.ops.operations.fakes import FakeEngine, install


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    return install(monkeypatch)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of journals of each test's own; what was found of drift is each test's own as well."""
    monkeypatch.setattr(record, "LOG_FOLDER", tmp_path / ".pulumi" / "logs")
    monkeypatch.setattr(journal, "FOLDER", tmp_path / "journals")
    return tmp_path / "journals"
