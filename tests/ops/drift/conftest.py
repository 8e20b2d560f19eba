from pathlib import Path

import pytest

from ops.drift import record


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what the last look found is kept."""
    monkeypatch.setattr(record, "LOG_FOLDER", tmp_path / ".pulumi" / "logs")
    return tmp_path / ".pulumi"
