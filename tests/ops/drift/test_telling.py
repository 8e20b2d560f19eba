from datetime import UTC, datetime

import pytest

from ops.docker import Engine
from ops.drift.record import Record, is_known
from ops.drift.telling import after_deploy, keep
from ops.errors import OperatorError
from ops.panel import Panel
from panel.alerts import conditions
from panel.drift import Drift

AT = datetime(2026, 11, 30, 4, 40, 7, tzinfo=UTC)
ENGINE = Engine("unix:///nowhere.sock")
FOUND = Record(at=AT, subjects=("service xray", "service xray", "network stealth-vpn"))
Told = list[tuple[object, ...]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What the panel was told."""
    said: Told = []
    monkeypatch.setattr(Panel, "call", lambda _, *words: said.append(words))
    return said


def test_a_look_is_kept_and_the_panel_is_told_what_it_is_about_once(told: Told) -> None:
    keep("local", FOUND, ENGINE, print)
    assert Record.read("local") == FOUND
    assert told == [("PUT", "/drift", {"subjects": ["service xray", "network stealth-vpn"]})]


def test_the_panel_is_told_no_more_than_it_takes(told: Told) -> None:
    keep("local", Record(at=AT, subjects=tuple(f"volume {number}" for number in range(99))), ENGINE, print)
    assert len(told[0][2]["subjects"]) == 50  # type: ignore[index]


def test_a_look_is_as_good_without_the_panel_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise OperatorError("the panel does not answer.")

    monkeypatch.setattr(Panel, "call", silent)
    lines: list[str] = []
    keep("local", FOUND, ENGINE, lines.append)
    assert Record.read("local") == FOUND
    assert lines == ["The panel was not told of this look: the panel does not answer."]


def test_a_deploy_leaves_no_drift_behind_but_begins_no_record(told: Told) -> None:
    after_deploy("local", ENGINE, print)
    assert (Record.read("local"), told) == (None, [])
    FOUND.write("local")
    after_deploy("local", ENGINE, print)
    kept = Record.read("local")
    assert kept
    assert (kept.subjects, kept.error) == ((), "")
    assert kept.at > AT
    assert told == [("PUT", "/drift", {"subjects": []})]


def test_the_panel_s_own_warning_is_known_where_a_look_was_kept() -> None:
    sentence = conditions._of_drift(Drift(found_at=AT, subjects=("service xray",))).sentence
    assert is_known(sentence, FOUND)
    assert not is_known(sentence, None)
    assert not is_known("xray lacks changes of users.", FOUND)
