"""Stopping and starting, with an engine and a Pulumi that remember what they were asked."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ops import stack_file
from ops.docker import Container, Engine
from ops.errors import OperatorError
from ops.operations import record, waiting
from ops.operations.control import Control
from ops.stack import Stack
from ops.target import Target
from tests.ops.operations.fakes import NAMES, FakeEngine, entry, ops

CONTAINER = "docker:index/container:Container"


class FakePulumi:
    """Remembers the calls; its state has all containers, as running."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.restored: dict[str, dict[str, object]] = {}
        self.fails = False

    def call(self, _: Stack, *words: str) -> str:
        self.calls.append(words)
        if words == ("stack", "export"):
            if self.fails:
                raise OperatorError("the stack is locked")
            return state()
        return ""

    def restore(self, _: Stack, export: str) -> None:
        resources = json.loads(export)["deployment"]["resources"]
        self.restored = {item["inputs"]["name"]: item["inputs"] for item in resources}

    def written(self) -> list[str]:
        """What stands last in the configuration as stopped."""
        (last,) = [words for words in self.calls if words[0] == "config"]
        if last[1] == "rm":
            return []
        stopped: list[str] = json.loads(last[last.index("--json") + 1])["stealth-vpn:stopped"]["objectValue"]
        return stopped


def state() -> str:
    running = {"restart": "always", "mustRun": True, "start": True, "wait": True}
    return json.dumps({"deployment": {"resources": [
        {"type": CONTAINER, "inputs": {"name": f"stealth-{name}", **running}, "outputs": dict(running)}
        for name in NAMES]}})


@pytest.fixture
def pulumi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakePulumi:
    fake = FakePulumi()
    (tmp_path / "Pulumi.local.yaml").write_text("config: {}\n")
    monkeypatch.setattr(stack_file, "ROOT", tmp_path)
    monkeypatch.setattr(Stack, "prepare", lambda _: None)
    monkeypatch.setattr(Stack, "call", lambda *words: fake.call(*words))
    monkeypatch.setattr(Stack, "restore", lambda *words: fake.restore(*words))
    return fake


@pytest.fixture
def control(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[Control, list[str]]]:
    def made(*stopped: str) -> tuple[Control, list[str]]:
        said: list[str] = []
        where = Target(stack="local", docker_host="unix:///x.sock", http_port=80, https_port=443, ipv6=False,
                       stopped=frozenset(stopped))
        return Control(Engine("unix:///x.sock"), where, Stack("local", said.append), said.append), said
    monkeypatch.setattr(Engine, "services", lambda _, __: [
        Container(name=f"stealth-{name}", state="running", health="healthy") for name in NAMES])
    return made


Made = Callable[..., tuple[Control, list[str]]]


def test_a_stop_is_recorded_before_it_is_done_and_outlives_the_engine(
    engine: FakeEngine, pulumi: FakePulumi, control: Made,
) -> None:
    made, said = control("trojan")
    made.stop("xray")
    assert pulumi.written() == ["trojan", "xray"]
    assert engine.asked == [("update", "--restart", "no", "stealth-xray"), ("stop", "--time", "10", "stealth-xray")]
    assert pulumi.restored["stealth-xray"] == {
        "name": "stealth-xray", "restart": "no", "mustRun": False, "start": False, "wait": False}
    assert pulumi.restored["stealth-trojan"]["mustRun"] is True
    assert said[0].startswith("xray is stopped, and stays so until `ops start xray`. VLESS does not work")


def test_a_start_takes_the_record_away_and_waits_for_health(
    engine: FakeEngine, pulumi: FakePulumi, control: Made,
) -> None:
    engine.entries["xray"] = entry("xray", "exited")
    made, said = control("xray")
    made.start("xray")
    assert pulumi.written() == []
    assert engine.asked == [("update", "--restart", "always", "stealth-xray"), ("start", "stealth-xray")]
    assert said == ["xray is healthy."]


def test_what_runs_again_has_the_inputs_that_the_program_gives_it() -> None:
    stopped = record.with_running(state(), ["xray"], run=False)
    resources = json.loads(record.with_running(stopped, ["xray"], run=True))["deployment"]["resources"]
    (inputs,) = (item["inputs"] for item in resources if item["inputs"]["name"] == "stealth-xray")
    assert inputs == {"name": "stealth-xray", "restart": "always", "mustRun": True, "wait": True}


def test_caddy_is_started_last(engine: FakeEngine, pulumi: FakePulumi, control: Made) -> None:
    control()[0].start(None)
    assert engine.asked[-1] == ("start", "stealth-caddy")
    assert "stealth-caddy" not in engine.asked[-2]


def test_a_paused_service_is_unpaused_by_a_start(engine: FakeEngine, pulumi: FakePulumi, control: Made) -> None:
    engine.entries["xray"] = entry("xray", "paused")
    control()[0].start("xray")
    assert ("unpause", "stealth-xray") in engine.asked


def test_a_restart_leaves_what_is_stopped_and_changes_no_record(
    engine: FakeEngine, pulumi: FakePulumi, control: Made,
) -> None:
    made, said = control("trojan")
    made.restart(None)
    assert all("stealth-trojan" not in words for words in engine.asked)
    assert pulumi.calls == []
    assert said[0] == "trojan is stopped and stays so; `ops start trojan` starts it."
    with pytest.raises(OperatorError, match=r"trojan is stopped\. Start it with `ops start trojan`"):
        made.restart("trojan")


def test_a_service_whose_health_does_not_come_is_named(
    engine: FakeEngine, pulumi: FakePulumi, control: Made, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "HEALTH_SECONDS", 0)
    engine.faults["caddy"] = "http 503: not measured yet"
    with pytest.raises(OperatorError, match=r"stealth-caddy fails its check \(http 503.*run `ops restart` again"):
        control()[0].restart("xray")


def test_a_state_that_cannot_be_told_does_not_undo_the_stop(
    engine: FakeEngine, pulumi: FakePulumi, control: Made,
) -> None:
    pulumi.fails = True
    made, said = control()
    made.stop("xray")
    assert engine.asked[-1][0] == "stop"
    assert "was not told (the stack is locked)" in said[0]


def test_what_is_not_there_cannot_be_stopped(engine: FakeEngine, pulumi: FakePulumi, control: Made) -> None:
    del engine.entries["xray"]
    with pytest.raises(OperatorError, match=r"xray has no container\. Run `make up`"):
        control()[0].stop("xray")
    assert pulumi.calls == []


def test_a_state_that_says_it_already_stays_as_it_is() -> None:
    assert record.with_running(state(), ["xray"], run=True) == state()


def test_what_the_official_provider_filled_in_is_no_default_any_more() -> None:
    text = state().replace('"mustRun": true', '"__defaults": ["mustRun", "rm"], "mustRun": true')
    changed = json.loads(record.with_running(text, ["xray"], run=False))["deployment"]["resources"]
    assert {tuple(item["inputs"]["__defaults"]) for item in changed} == {("mustRun", "rm"), ("rm",)}


def test_a_stopped_service_is_no_fault_in_status_or_health(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = Target.read("local")
    monkeypatch.setattr(Target, "read", lambda _: replace(found, stopped=frozenset({"xray"})))
    engine.entries["xray"] = entry("xray", "exited", exit_code=137)
    engine.overview["warnings"] = ["xray lacks changes of users: its agent does not answer."]
    done = ops("status")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == "All is well: 5 services are healthy. Stopped by `ops stop`: xray."
    assert "5 checks passed" in ops("health").output
    engine.entries["xray"] = entry("xray")
    assert "! xray runs, but is to be stopped. Run `ops stop xray`." in ops("status").output
