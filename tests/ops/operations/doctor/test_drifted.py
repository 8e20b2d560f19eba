from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.drift.record import Record
from ops.schedule import DRIFT, Job
from tests.ops.operations.fakes import FakeEngine

NOW = datetime.now(UTC)


@pytest.mark.parametrize(("kept", "is_daily", "name"), [
    (Record(at=NOW, subjects=("service xray",)), False, "drift-found"),
    (Record(at=NOW, error="Docker Engine does not answer."), True, "drift-unknown"),
    (None, True, "drift-unseen"),
    (Record(at=NOW - timedelta(hours=27)), True, "drift-unseen"),
    (Record(at=NOW - timedelta(hours=25)), True, ""),
    (Record(at=NOW - timedelta(days=9)), False, ""),
    (None, False, "")])
def test_drift_is_named_and_so_are_looks_that_do_not_come(
    found: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, kept: Record | None, is_daily: bool,
    name: str,
) -> None:
    monkeypatch.setattr(Job, "stands", lambda job, _: job is DRIFT and is_daily)
    if kept:
        kept.write("local")
    assert [item["name"] for item in found()] == ([name] if name else [])


def test_what_the_panel_warns_of_drift_is_told_only_where_no_look_was_kept(
    found: Callable[[], list[dict[str, Any]]], engine: FakeEngine,
) -> None:
    engine.overview["warnings"] = ["Drift was found on 2026-11-30 at 04:40 UTC: service xray; run `ops drift`."]
    assert [(item["name"], item["fix"]) for item in found()] == [("panel-warns", "ops drift")]
    Record(at=NOW).write("local")
    assert found() == []
