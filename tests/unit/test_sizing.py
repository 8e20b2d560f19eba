import pytest

from components import sizing
from components.service import SMALL, STANDARD, Limits
from tests.settings import load


@pytest.mark.parametrize(("profile", "cores", "limits"), [
    ("auto", 1, SMALL), ("auto", 2, STANDARD), ("standard", 1, STANDARD), ("small", 8, SMALL)])
def test_limits_follow_the_profile_and_auto_the_engine_s_cores(
    monkeypatch: pytest.MonkeyPatch, profile: str, cores: int, limits: Limits,
) -> None:
    monkeypatch.setattr(sizing, "cpu_count", lambda _: cores)
    assert sizing.host(load(resourceProfile=profile)).limits is limits


def test_the_engine_is_asked_only_if_the_profile_is_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> int:
        raise AssertionError("asked")

    monkeypatch.setattr(sizing, "cpu_count", fail)
    sizing.host(load(resourceProfile="standard"))


def test_a_deploy_waits_until_the_last_check_that_may_still_succeed() -> None:
    health = sizing.host(load(
        resourceProfile="small", healthStartPeriod="1m30s", healthInterval="20s", healthTimeout="5s", healthRetries=4,
    )).health
    assert health.wait_seconds == 90 + 4 * (20 + 5) + 20
