"""What the watchdog restarts, what it leaves alone, and how patient it is; the processes and signals are real."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from ops.watchdog import host
from ops.watchdog.program import processes, watch
from ops.watchdog.program.engine import Engine
from ops.watchdog.program.record import Record
from tests.ops.watchdog.fakes import Daemon, FakeEngine, serving


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with serving(tmp_path / "socket") as made:
        yield made


@pytest.fixture
def xray(engine: FakeEngine) -> Daemon:
    return engine.daemons["xray"]


class Dog:
    """A watchdog with a clock of the test's own."""

    def __init__(self, socket_path: Path, state: Path) -> None:
        self.said: list[str] = []
        self.state = state
        self._dog = watch.Watchdog(
            Engine(str(socket_path), "local"), Record(str(state)), self.said.append)

    def look(self, *moments: float) -> None:
        for moment in moments:
            self._dog.look(moment)

    def acts(self) -> list[tuple[str, str]]:
        return [(act["service"], act["reason"]) for act in json.loads(self.state.read_text())["acts"]]


@pytest.fixture
def dog(engine: FakeEngine, tmp_path: Path) -> Dog:
    return Dog(engine.path, tmp_path / "state.json")


def test_a_well_container_is_left_alone(dog: Dog, xray: Daemon) -> None:
    dog.look(0, 5, 10)
    assert xray.process.poll() is None
    assert dog.said == []


def test_an_unhealthy_one_is_asked_to_end_and_what_its_check_said_is_told(dog: Dog, xray: Daemon) -> None:
    xray.health, xray.said = "unhealthy", "tcp 127.0.0.1:8001: refused\x1b[2J\n"
    dog.look(0)
    assert xray.ended_by() == 0, "SIGTERM came first, and it ended in order"
    assert dog.acts() == [("xray", "is unhealthy (tcp 127.0.0.1:8001: refused [2J)")]
    assert dog.said == ["xray is unhealthy (tcp 127.0.0.1:8001: refused [2J): its first process was ended, "
                        "Docker starts it again."]


def test_one_that_does_not_end_by_itself_is_killed(
    dog: Dog, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.05)
    engine.daemons["xray"].end()
    deaf = engine.daemons["xray"] = Daemon("trap '' TERM; sleep 600 & wait")
    deaf.health = "unhealthy"
    dog.look(0)
    assert deaf.ended_by() == -signal.SIGKILL


@pytest.mark.parametrize("which", ["first", "child"])
def test_a_stopped_process_is_a_hang_at_the_second_look_however_healthy_the_engine_calls_it(
    dog: Dog, xray: Daemon, which: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "select", None)  # by which it would wait for one that could hear
    xray.freeze(xray.process.pid if which == "first" else xray.children()[0])
    dog.look(0)
    assert xray.process.poll() is None
    dog.look(5)
    assert xray.ended_by() == -signal.SIGKILL
    assert dog.acts()[0][1] == f"hangs: its process {'sh' if which == 'first' else 'sleep'} is stopped"


def test_a_short_stop_is_none(dog: Dog, xray: Daemon) -> None:
    for moment in (0, 10, 20):
        xray.freeze(xray.process.pid)
        dog.look(moment)
        os.kill(xray.process.pid, signal.SIGCONT)
        while processes.frozen(xray.process.pid):
            time.sleep(0.001)
        dog.look(moment + 5)
    assert xray.process.poll() is None


def test_what_an_operator_stopped_paused_or_is_starting_is_left_alone(dog: Dog, xray: Daemon) -> None:
    xray.freeze(xray.process.pid)
    xray.health, xray.policy = "unhealthy", "no"
    dog.look(0, 5, 10)
    xray.policy, xray.is_paused = "always", True
    dog.look(15, 20, 25)
    os.kill(xray.process.pid, signal.SIGCONT)
    while processes.frozen(xray.process.pid):
        time.sleep(0.001)
    xray.is_paused, xray.health = False, "starting"
    dog.look(30, 35, 40)
    assert xray.process.poll() is None
    assert dog.acts() == []


def test_one_that_was_stopped_or_replaced_since_the_look_is_left_alone(engine: FakeEngine, xray: Daemon) -> None:
    client = Engine(str(engine.path), "local")
    seen = next(client.containers())
    xray.policy = "no"
    assert not processes.end(client, seen, gently=False)
    xray.policy = "always"
    before = xray.process
    xray.start()
    assert not processes.end(client, seen, gently=False)
    assert before.poll() is None
    before.kill()
    before.wait()
    assert not processes.end(client, seen, gently=False)
    del engine.daemons["xray"]
    assert not processes.end(client, seen._replace(pid=xray.process.pid), gently=False)
    assert xray.process.poll() is None
    xray.end()


def test_restarts_that_do_not_help_come_after_pauses_that_double_up_to_ten_minutes(dog: Dog, xray: Daemon) -> None:
    moments = []
    for moment in range(0, 4000, 20):
        xray.health = "unhealthy"
        dog.look(moment)
        if xray.process.poll() is not None:
            moments.append(moment)
            xray.start()
    assert moments == [0, 60, 180, 420, 900, 1500, 2100, 2700, 3300, 3900]
    assert sum("waits" in line for line in dog.said) == 10, "a pause is told once"


def test_one_that_was_well_for_ten_minutes_has_a_clean_slate(dog: Dog, xray: Daemon) -> None:
    xray.health = "unhealthy"
    dog.look(0)
    xray.process.wait()
    xray.start()
    xray.health = "healthy"
    dog.look(5, 605)
    assert dog.said[-1] == "xray is healthy again."
    xray.health = "unhealthy"
    dog.look(610)
    xray.process.wait()
    xray.start()
    dog.look(665)
    assert xray.process.poll() is None
    dog.look(670)
    assert xray.process.wait(timeout=10) == 0


def test_a_silent_engine_is_told_once_and_in_the_record_until_it_is_back(engine: FakeEngine, tmp_path: Path) -> None:
    dog = Dog(tmp_path / "nowhere", tmp_path / "state.json")
    dog.look(0, 5)
    assert len(dog.said) == 1
    assert "cannot be asked" in json.loads(dog.state.read_text())["fault"]
    (tmp_path / "nowhere").symlink_to(engine.path)
    dog.look(10)
    assert json.loads(dog.state.read_text())["fault"] == ""


def test_each_look_touches_the_record_and_the_acts_outlive_the_program(
    dog: Dog, xray: Daemon, engine: FakeEngine,
) -> None:
    xray.health = "unhealthy"
    dog.look(0)
    xray.process.wait()
    xray.start()
    os.utime(dog.state, (0, 0))
    dog.look(5)
    assert dog.state.stat().st_mtime > 0
    Dog(engine.path, dog.state)
    assert len(dog.acts()) == 1


def command(engine: FakeEngine, folder: Path, state: Path, *logs: str) -> list[str]:
    return [sys.executable, "-E", "-s", "-S", "-m", "program", "local", str(engine.path), str(state),
            str(folder / "off"), *logs]


def test_the_program_runs_by_itself_alone_and_ends_in_order(engine: FakeEngine, tmp_path: Path) -> None:
    state, told = tmp_path / "run" / "state.json", tmp_path / "systemd"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(told))
        systemd.settimeout(10)
        words = command(engine, tmp_path, state)
        environment = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(told)}
        running = subprocess.Popen(words, cwd=host.PROGRAM.parent, env=environment, stdout=subprocess.PIPE, text=True)
        assert [systemd.recv(99), systemd.recv(99)] == [b"READY=1", b"WATCHDOG=1"]
    assert json.loads(state.read_text())["running"] is True
    assert state.stat().st_mode & 0o777 == 0o644
    second = subprocess.run(words, cwd=host.PROGRAM.parent, capture_output=True, text=True, check=False)
    assert (second.returncode, second.stderr) == (
        1, "Another watchdog of local runs already. `ops watchdog status` tells of it.\n")
    running.terminate()
    said, _ = running.communicate(timeout=10)
    assert (running.returncode, said) == (0, "Watching the containers of local each 5 s.\n")
    assert json.loads(state.read_text())["running"] is False


def test_one_that_starts_waits_for_who_only_looks_whether_it_runs(engine: FakeEngine, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with open(f"{state}.lock", "w") as looks:
        fcntl.flock(looks, fcntl.LOCK_EX)
        words = command(engine, tmp_path, state)
        running = subprocess.Popen(words, cwd=host.PROGRAM.parent, stdout=subprocess.PIPE, text=True)
        time.sleep(0.3)
    assert running.stdout is not None
    assert running.stdout.readline().startswith("Watching")
    running.terminate()
    running.communicate(timeout=10)


def test_while_it_is_off_nothing_is_restarted_and_logs_are_written(
    engine: FakeEngine, xray: Daemon, tmp_path: Path,
) -> None:
    engine.said["xray"] = [b"2126-11-30T03:00:00.000000001Z something\n"]
    xray.health = "unhealthy"
    (tmp_path / "off").touch()
    (tmp_path / "logs").mkdir()
    state = tmp_path / "state.json"
    running = subprocess.Popen(
        command(engine, tmp_path, state, str(tmp_path / "logs"), "7", "1000", "3"), cwd=host.PROGRAM.parent)
    log = tmp_path / "logs" / "xray" / "xray.log"
    while not (log.exists() and log.read_bytes()):
        time.sleep(0.01)
    assert log.read_bytes() == engine.said["xray"][0]
    running.terminate()
    assert running.wait(timeout=10) == 0
    assert xray.process.poll() is None
    assert json.loads(state.read_text())["acts"] == []


def test_the_panel_is_told_of_a_restart_when_it_is_well_and_until_it_takes_it(
    dog: Dog, engine: FakeEngine, xray: Daemon,
) -> None:
    panel = engine.daemons["admin"] = Daemon()
    panel.health, engine.prints = "starting", b'{"status": 503, "text": ""}\n'
    xray.health, xray.said = "unhealthy", "50% & more"
    dog.look(0)
    xray.process.wait()
    xray.start()
    xray.health = "healthy"
    assert engine.run == []
    panel.health = "healthy"
    dog.look(5, 10)
    assert len(engine.run) == 1, "it waits before it tries again"
    engine.prints = b'{"status": 204, "text": ""}\n'
    dog.look(70, 75, 200)
    assert len(engine.run) == 2
    name, words = engine.run[-1]
    assert (name, words[:-1]) == ("id-of-admin", ["/usr/bin/python3", "-I", "-S", "/app/call.py", "POST"])
    asked = urlsplit(words[-1])
    assert (asked.path, parse_qs(asked.query)) == (
        "/restarts", {"service": ["xray"], "reason": ["is unhealthy (50% & more)"]})


def test_a_panel_that_refuses_for_good_is_not_asked_again(dog: Dog, engine: FakeEngine, xray: Daemon) -> None:
    engine.daemons["admin"], engine.prints = Daemon(), b'{"status": 404, "text": ""}\n'
    xray.health = "unhealthy"
    dog.look(0)
    xray.process.wait()
    xray.start()
    xray.health = "healthy"
    dog.look(5, 100, 200)
    assert len(engine.run) == 1


def test_one_that_is_called_unhealthy_without_failed_checks_as_after_a_pause_is_left_alone(
    dog: Dog, xray: Daemon,
) -> None:
    xray.health, xray.failures = "unhealthy", 2
    dog.look(0, 5, 10)
    assert xray.process.poll() is None
    xray.failures = 3
    dog.look(15)
    assert xray.process.wait(timeout=10) == 0
