import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.drift import record
from ops.drift.record import Record

AT = datetime(2026, 11, 30, 4, 40, 7, tzinfo=UTC)
DRIFTED = Record(at=AT, subjects=("service xray", "service xray", "network stealth-vpn"))


def test_what_is_kept_is_read_again_and_is_its_owner_s(folder: Path) -> None:
    DRIFTED.write("local")
    assert Record.read("local") == DRIFTED
    assert stat.S_IMODE((folder / "drift.local.json").stat().st_mode) == 0o600
    assert Record.read("prod") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": "never", "subjects": [], "error": ""}', '{"at": 1}'])
def test_what_cannot_be_read_counts_as_nothing(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "drift.local.json").write_text(text)
    assert Record.read("local") is None


def test_of_a_server_that_was_taken_away_nothing_is_kept() -> None:
    DRIFTED.write("local")
    record.forget("local")
    record.forget("local")
    assert Record.read("local") is None
