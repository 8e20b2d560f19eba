from typing import Any

import pytest

from ops.verify import engine
from ops.verify.checks import Verdict
from ops.verify.inspect import Observed
from tests.ops.verify.test_promises import promises

INFO: dict[str, Any] = {
    "SecurityOptions": ["name=seccomp,profile=builtin", "name=cgroupns"], "DefaultRuntime": "runc",
    "Swarm": {"LocalNodeState": "inactive"}, "ExperimentalBuild": False,
    "RegistryConfig": {"InsecureRegistryCIDRs": ["127.0.0.0/8"], "IndexConfigs": {"docker.io": {"Secure": True}}}}


def observed(version: str = "26.1.5+dfsg1", **changes: Any) -> Observed:
    return Observed(containers=(), networks=(), volumes=(), images=(), info={**INFO, **changes},
                    version={"Version": version})


def faults(found: Observed, **settings: object) -> list[str]:
    return [check.found for check in engine.checks(promises(**settings), found) if check.verdict is not Verdict.KEPT]


def test_an_engine_as_promised_is_kept() -> None:
    assert faults(observed()) == []


@pytest.mark.parametrize(("changes", "fault"), [
    ({"SecurityOptions": []}, "it has no seccomp"),
    ({"SecurityOptions": ["name=seccomp,profile=/etc/mine.json"]}, "its list is not Docker's"),
    ({"Swarm": {"LocalNodeState": "active"}}, "its swarm is active"),
    ({"DefaultRuntime": "mine"}, "it runs them by mine"),
    ({"RegistryConfig": {"InsecureRegistryCIDRs": ["10.0.0.0/8"]}}, "it trusts 10.0.0.0/8"),
    ({"RegistryConfig": {"IndexConfigs": {"mine:5000": {"Secure": False}}}}, "it trusts mine:5000")])
def test_each_weaker_setting_is_found(changes: dict[str, Any], fault: str) -> None:
    assert faults(observed(**changes)) == [fault]


def test_an_old_engine_is_found_and_with_ipv6_a_newer_one_is_asked_for() -> None:
    assert faults(observed("24.0.7")) == ["it is 24.0.7"]
    assert faults(observed("26.1.5"), ipv6=True) == ["it is 26.1.5"]
    assert faults(observed("26.1.5", ExperimentalBuild=True), ipv6=True) == []


def test_whether_the_engine_has_apparmor_is_told_by_its_options() -> None:
    assert not engine.has_apparmor(observed())
    assert engine.has_apparmor(observed(SecurityOptions=["name=apparmor"]))
