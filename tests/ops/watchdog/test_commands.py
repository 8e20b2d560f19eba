"""What operators see of the watchdog: its own commands, and its line in status, doctor and a deploy."""

import json
import os
import sys
from pathlib import Path

import pytest

from ops.docker import Engine
from ops.errors import OperatorError
from ops.target import Target
from ops.watchdog import commands, host
from tests.ops.operations.fakes import FakeEngine, install, ops

RUNS = ('on\nheld\n3\n{"running": true, "fault": "", '
        '"acts": [{"at": "T", "service": "xray", "reason": "hangs\\u001b"}]}')
DIED = 'on\nfree\n3\n{"running": true, "fault": "", "acts": []}'
MISSING = "on\nfree\n"
OFF = "off\nfree\n"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    return install(monkeypatch)


@pytest.mark.parametrize(("machine", "code", "line"), [
    (RUNS, 0, "Watchdog: runs; last it restarted xray at T, which hangs\\x1b."),
    (DIED, 1, "The watchdog has ended without a word, or hangs."),
    (MISSING, 1, "Watchdog: none runs, so a service that hangs stays so; `ops watchdog install`."),
    (OFF, 1, "Watchdog: off.")])
def test_its_status_is_a_line_and_a_code(engine: FakeEngine, machine: str, code: int, line: str) -> None:
    engine.machine = machine
    done = ops("watchdog", "status")
    assert (done.exit_code, done.output.splitlines()[-1]) == (code, line)
    assert json.loads(ops("watchdog", "status", "--json").output)["runs"] is (code == 0)


@pytest.mark.parametrize(("machine", "is_well"), [(RUNS, True), (MISSING, True), (OFF, True), (DIED, False)])
def test_the_server_s_status_shows_it_and_only_one_that_died_is_a_fault(
    engine: FakeEngine, machine: str, is_well: bool,
) -> None:
    engine.machine = machine
    done = ops("status")
    assert any(line.startswith("Watchdog: ") for line in done.output.splitlines())
    assert ("! The watchdog has ended" in done.output) is not is_well
    assert (done.exit_code == 0) is is_well


@pytest.mark.parametrize(("word", "said"), [
    ("installed", "The watchdog runs now: services that hang are restarted (docs/watchdog.md)."), ("kept", None),
    ("off", "The watchdog is off; `ops watchdog install` lets it run again."),
    ("python", "No watchdog: the engine's machine has no /usr/bin/python3 of 3.11 or newer. "
               "Install the package python3 there.")])
def test_a_deploy_says_in_one_line_what_became_of_it(engine: FakeEngine, word: str, said: str | None) -> None:
    engine.machine = f"{word}\n"
    lines: list[str] = []
    commands.ensure(Engine("unix:///x"), Target.read("local"), lines.append)
    assert lines == ([] if said is None else [said])


def test_a_deploy_and_a_teardown_go_on_when_the_machine_refuses(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host, "_word", _refuse)
    lines: list[str] = []
    commands.ensure(Engine("unix:///x"), Target.read("local"), lines.append)
    commands.withdraw(Engine("unix:///x"), Target.read("local"), lines.append)
    assert lines == ["No watchdog: refused.", "The watchdog stays: refused."]


def _refuse(*_: object) -> str:
    raise OperatorError("refused.")


@pytest.mark.parametrize(("command", "word", "code"), [
    ("install", "installed", 0), ("install", "kept", 0), ("install", "root", 1), ("install", "python", 1),
    ("off", "off", 0), ("off", "root", 1)])
def test_install_and_off_end_with_a_sentence_and_a_code(
    engine: FakeEngine, command: str, word: str, code: int,
) -> None:
    engine.machine = f"{word}\n"
    done = ops("watchdog", command)
    assert done.exit_code == code
    assert done.output.startswith("Error: the watchdog " if code else "The watchdog ")


def test_run_becomes_the_program_with_the_stack_s_socket(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, words: ran.append(words))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.chdir(".")  # and back at the end
    assert ops("watchdog", "run").exit_code == 0
    assert ran == [[sys.executable, "-E", "-s", "-S", "-m", "program", "local", "/var/run/docker.sock",
                    "/run/stealth-vpn/watchdog-local.json", "/usr/local/lib/stealth-vpn/watchdog-local.off"]]
    assert Path("program/__main__.py").exists()


def test_run_says_who_and_where_it_must_be(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "Run `ops watchdog run` as root" in ops("watchdog", "run").output
    elsewhere = Target(stack="local", docker_host="ssh://a", http_port=80, https_port=443, ipv6=False)
    monkeypatch.setattr(Target, "read", lambda *_: elsewhere)
    assert "Let it run with `ops watchdog install`" in ops("watchdog", "run").output
