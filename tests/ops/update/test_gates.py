from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.docker import Engine
from ops.errors import OperatorError
from ops.update import gates
from ops.update.gates import HEALTH_SECONDS, SOAK_SECONDS, Patience
from tests.ops.operations.fakes import NAMES, FakeEngine, entry

ENGINE = Engine("unix:///x.sock")


def aged(name: str, seconds: float, **changes: Any) -> dict[str, Any]:
    made = entry(name, **changes)
    began = datetime.now(UTC) - timedelta(seconds=seconds)
    made["State"]["StartedAt"] = f"{began:%Y-%m-%dT%H:%M:%S.%f}Z"
    return made


@pytest.mark.parametrize(("health", "seconds", "over"), [
    ("starting", HEALTH_SECONDS + 3, True), ("unhealthy", HEALTH_SECONDS + 3, True),
    ("starting", HEALTH_SECONDS - 3, False), ("healthy", HEALTH_SECONDS + 3, False)])
def test_patience_ends_with_a_container_that_does_not_become_healthy(
    engine: FakeEngine, health: str, seconds: float, over: bool,
) -> None:
    now = 100.0
    engine.entries = {"xray": entry("xray", health=health) | {"Id": "1"}}
    patience = Patience(ENGINE, "local", lambda: now)
    engine.entries["trojan"] = entry("trojan", health=health) | {"Id": "2"}
    assert not patience()
    now += seconds
    assert patience() is over


def test_one_that_was_ill_before_the_run_does_not_end_it(engine: FakeEngine) -> None:
    now = 100.0
    engine.entries = {"xray": entry("xray", health="unhealthy") | {"Id": "1"}}
    patience = Patience(ENGINE, "local", lambda: now)
    assert not patience()
    now += HEALTH_SECONDS + 3
    assert not patience()


def test_patience_begins_anew_with_another_container(engine: FakeEngine) -> None:
    now = 100.0
    engine.entries = {}
    patience = Patience(ENGINE, "local", lambda: now)
    for number in "12":
        engine.entries = {"xray": entry("xray", health="starting") | {"Id": number}}
        assert not patience()
        now += HEALTH_SECONDS - 3


@pytest.fixture(autouse=True)
def _last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "logs", lambda _, name: f"1\n2\n3\n4\n5\nthe last words of {name}\n")


def soak(engine: FakeEngine, *after: dict[str, Any]) -> int:
    """Soak while the entries of xray come one after the other; return how often it slept."""
    rest, slept = list(after), 0

    def sleep(_: float) -> None:
        nonlocal slept
        slept += 1
        if rest and (state := rest.pop(0)):
            engine.entries["xray"] = state

    gates.soak(ENGINE, "local", NAMES, lambda _: None, sleep)
    return slept


@pytest.mark.parametrize("seconds", [1, SOAK_SECONDS + 1, HEALTH_SECONDS + SOAK_SECONDS - 1])
def test_a_soak_waits_for_one_that_may_have_become_healthy_just_now(engine: FakeEngine, seconds: float) -> None:
    engine.entries = {name: aged(name, HEALTH_SECONDS + SOAK_SECONDS + 1) for name in NAMES}
    assert soak(engine) == 0
    engine.entries["xray"] = aged("xray", seconds)

    def later(_: float) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        gates.soak(ENGINE, "local", NAMES, lambda _: None, later)


def test_a_soak_ends_when_a_young_one_has_been_watched_long_enough(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine.entries = {name: aged(name, 1000) for name in NAMES} | {"xray": aged("xray", 20)}
    now = datetime.now(UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override] # noqa: ARG003 - its signature
            return now

    def sleep(seconds: float) -> None:
        nonlocal now
        now += timedelta(seconds=seconds)

    monkeypatch.setattr(gates, "datetime", Clock)
    began = now
    gates.soak(ENGINE, "local", NAMES, lambda _: None, sleep)
    assert SOAK_SECONDS - 2 <= (now - began).total_seconds() <= SOAK_SECONDS + 2


@pytest.mark.parametrize(("fallen", "sentence"), [
    ({"restarts": 1, "exit_code": 1}, r"xray has ended and was started again\."),
    ({"health": "unhealthy", "said": "no answer"}, "xray is unhealthy: no answer"),
    ({"state": "exited", "exit_code": 3}, r"xray does not run \(exit code 3\)"),
    ({"state": "restarting", "restarts": 2}, "xray ends again and again")])
def test_what_falls_in_the_soak_is_named(engine: FakeEngine, fallen: dict[str, Any], sentence: str) -> None:
    engine.entries = {name: aged(name, 1000) for name in NAMES}
    engine.entries["xray"] = aged("xray", 5)
    with pytest.raises(OperatorError, match=sentence) as caught:
        soak(engine, aged("xray", 1, **fallen))
    lines = str(caught.value).splitlines()
    assert (len(lines), lines[-1]) == (6, "    the last words of stealth-xray")


def test_what_fell_before_the_soak_began_is_named_too(engine: FakeEngine) -> None:
    engine.entries = {name: aged(name, 1000) for name in NAMES}
    engine.entries["xray"] = aged("xray", 5, restarts=1)
    with pytest.raises(OperatorError, match="xray has ended and was started again"):
        soak(engine)


def test_an_old_restart_of_what_was_not_touched_is_no_fault(engine: FakeEngine) -> None:
    engine.entries = {name: aged(name, 1000, restarts=3) for name in NAMES}
    assert soak(engine) == 0


def test_a_container_that_vanishes_is_named(engine: FakeEngine) -> None:
    engine.entries = {name: aged(name, 1000) for name in NAMES if name != "xray"}
    with pytest.raises(OperatorError, match="xray has no container any more"):
        soak(engine)


def test_a_panel_that_cannot_read_its_tables_is_named(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    gates.readable(ENGINE)

    def call(_: object, __: str, path: str) -> None:
        if path == "/users":
            raise OperatorError("the panel refused with status 500")

    monkeypatch.setattr("ops.update.gates.Panel.call", call)
    with pytest.raises(OperatorError, match="the new panel cannot read its store: the panel refused with status 500"):
        gates.readable(ENGINE)
