"""The scripts for the engine's machine, run by a real shell on a machine that the test makes up."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ops.docker import Engine
from ops.errors import OperatorError
from ops.target import Target
from ops.watchdog import host

SERVICE = "stealth-vpn-watchdog-local"
TARGET = Target(stack="local", docker_host="unix:///nowhere/docker.sock", http_port=80, https_port=443, ipv6=False)
ENGINE = Engine(TARGET.docker_host)
# Writes down what it was asked, remembers what is enabled, and holds the program's lock for what it started.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>{folder}/calls
case "$*" in
"is-enabled"*) [ -e {folder}/enabled ] ;;
*"disable --now"*) rm -f {folder}/enabled; kill "$(cat {lock} 2>/dev/null)" 2>/dev/null; flock {lock} true ;;
*enable*) touch {folder}/enabled ;;
restart*)
	: >{lock}
	flock {lock} sh -c 'echo $$ >{lock}; exec sleep 60' >/dev/null 2>&1 &
	until [ -s {lock} ]; do sleep 0.01; done
	;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine without systemd on which this user is root."""
    (tmp_path / "bin").mkdir()
    put(tmp_path, "id", "#!/bin/sh\necho 0\n")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    for name in host._PLACES:
        monkeypatch.setitem(host._PLACES, name, str(tmp_path / name))
    (tmp_path / "log").mkdir()
    monkeypatch.setattr(host, "PYTHON", sys.executable)
    yield tmp_path
    host.remove(ENGINE, "local")


@pytest.fixture
def systemd(machine: Path) -> Path:
    """The same with systemd."""
    for name in ("units", "systemd", "runtime"):
        (machine / name).mkdir()
    put(machine, "systemctl", SYSTEMCTL.format(folder=machine, lock=machine / "runtime" / "watchdog-local.json.lock"))
    return machine


def put(machine: Path, name: str, text: str) -> None:
    (machine / "bin" / name).write_text(text)
    (machine / "bin" / name).chmod(0o755)


def install(*, force: bool = False) -> str:
    return host.install(ENGINE, TARGET, force=force)


def state() -> host.State:
    return host.State.of(ENGINE, "local")


def pid(machine: Path) -> int:
    return int((machine / "runtime" / "watchdog-local.json.lock").read_text())


def await_end(number: int) -> None:
    """Wait until a process has ended: its lock goes a moment before it."""
    # What a shell left behind may wait for a first process that asks for its end.
    with contextlib.suppress(psutil.NoSuchProcess):
        while psutil.Process(number).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)


def await_record(machine: Path) -> None:
    while not state().trouble:
        time.sleep(0.01)


def test_without_systemd_it_runs_by_itself_until_it_is_switched_off(machine: Path) -> None:
    assert not state().runs
    assert install() == "installed"
    await_record(machine)
    assert state().runs
    assert state().fault.startswith("The watchdog cannot do its work: the engine cannot be asked")
    first = pid(machine)
    assert install() == "kept"
    assert host.switch_off(ENGINE, TARGET) == "off"
    await_end(first)
    assert (state().runs, state().is_off, state().line) == (False, True, "Watchdog: off.")
    assert install() == "off", "a deploy leaves it so"
    assert host.remove(ENGINE, "local") == "removed"
    assert install() == "off", "also after a teardown"
    assert install(force=True) == "installed"
    assert not state().is_off


def test_a_new_version_takes_the_old_one_s_place_and_one_that_died_is_started_anew(
    machine: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    install()
    first = pid(machine)
    changed = machine / "program"
    shutil.copytree(host.PROGRAM, changed)
    (changed / "__init__.py").write_text("")
    monkeypatch.setattr(host, "PROGRAM", changed)
    assert install() == "installed"
    second = pid(machine)
    assert second != first
    await_end(first)
    await_record(machine)
    os.kill(second, signal.SIGKILL)
    while not state().has_died:
        time.sleep(0.01)
    assert state().fault == "The watchdog has ended without a word, or hangs."
    assert install() == "installed"


def test_one_that_hangs_itself_is_seen(machine: Path) -> None:
    install()
    await_record(machine)
    os.kill(pid(machine), signal.SIGSTOP)
    file = machine / "runtime" / "watchdog-local.json"
    before = file.stat().st_mtime - host.SILENT_SECONDS
    os.utime(file, (before, before))
    assert state().has_died
    os.kill(pid(machine), signal.SIGCONT)


def test_a_teardown_takes_everything_away(machine: Path) -> None:
    assert host.remove(ENGINE, "local") == "none"
    install()
    last = pid(machine)
    assert host.remove(ENGINE, "local") == "removed"
    await_end(last)
    assert [list((machine / name).iterdir()) for name in ("library", "runtime")] == [[], []]


def test_a_teardown_of_another_stack_leaves_it_alone(machine: Path) -> None:
    install()
    other = replace(TARGET, stack="other")
    assert host.install(ENGINE, other, force=False) == "installed"
    assert host.remove(ENGINE, "other") == "removed"
    assert state().runs
    assert [folder.name for folder in (machine / "library").iterdir()] == ["local"]
    assert install() == "kept"


def test_systemd_gets_a_unit_that_runs_the_same(systemd: Path) -> None:
    assert install() == "installed"
    assert (systemd / "calls").read_text().splitlines()[-3:] == [
        "daemon-reload", f"--quiet enable {SERVICE}", f"restart {SERVICE}"]
    unit = (systemd / "units" / f"{SERVICE}.service").read_text()
    assert f" -m stealth_watchdog local /nowhere/docker.sock {systemd}/runtime/watchdog-local.json " in unit
    assert install() == "kept"
    (systemd / "enabled").unlink()
    assert install() == "installed", "somebody had disabled it"
    assert host.switch_off(ENGINE, TARGET) == "off"
    assert not (systemd / "enabled").exists()
    assert host.remove(ENGINE, "local") == "removed"
    assert list((systemd / "units").iterdir()) == []


def test_on_another_machine_it_gets_the_usual_socket(systemd: Path) -> None:
    host.install(ENGINE, replace(TARGET, docker_host="ssh://somewhere"), force=False)
    assert " local /var/run/docker.sock " in (systemd / "units" / f"{SERVICE}.service").read_text()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd's own checker is not on this machine")
def test_systemd_itself_takes_the_unit(systemd: Path) -> None:
    install()
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(systemd / "units" / f"{SERVICE}.service")],
                          capture_output=True, text=True, check=False)
    assert SERVICE not in done.stderr


def test_what_the_machine_lacks_is_said_and_nothing_is_changed(
    machine: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(host, "PYTHON", "/nowhere/python3")
        assert install() == "python"
    put(machine, "id", "#!/bin/sh\necho 1000\n")
    put(machine, "sudo", "#!/bin/sh\nexit 1\n")
    assert [install(), host.switch_off(ENGINE, TARGET)] == ["root", "root"]
    assert "Run `ops watchdog install` as root" in host.why_not("root")
    assert not (machine / "library").exists()


def test_a_machine_that_refuses_is_told_with_its_own_words(systemd: Path) -> None:
    put(systemd, "systemctl", "#!/bin/sh\necho 'no bus' >&2\nexit 1\n")
    with pytest.raises(OperatorError, match=r"refuses the watchdog: no bus\. Mend that there"):
        install()
    put(systemd, "systemctl", "#!/bin/sh\n")


def test_one_that_does_not_start_is_told_with_its_log(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = machine / "program"
    broken.mkdir()
    (broken / "__main__.py").write_text("import nothing_of_that_name\n")
    monkeypatch.setattr(host, "PROGRAM", broken)
    put(machine, "sleep", "#!/bin/sh\n")  # so that it need not be waited for
    with pytest.raises(OperatorError, match=rf"it does not start; \S+/{SERVICE}\.log says why"):
        install()


def test_a_name_that_a_shell_would_obey_is_refused() -> None:
    with pytest.raises(OperatorError, match="is no name of a stack"):
        host.State.of(ENGINE, "local; reboot")


def test_the_last_restart_is_in_the_line(machine: Path) -> None:
    (machine / "runtime").mkdir()
    (machine / "runtime" / "watchdog-local.json").write_text(
        '{"running": false, "acts": [{"at": "2026-11-30T01:00:00Z", "service": "xray", "reason": "is unhealthy"}]}')
    assert state().line == ("Watchdog: none runs, so a service that hangs stays so; `ops watchdog install`; last it "
                            "restarted xray at 2026-11-30T01:00:00Z, which is unhealthy.")
    (machine / "runtime" / "watchdog-local.json").write_text('{"run')
    assert (state().runs, state().fault, state().acts) == (False, "", [])


@pytest.fixture
def with_logs(machine: Path) -> Target:
    return replace(TARGET, data_dir=str(machine / "data"), log_retention_days=3, log_max_size="2m", log_max_files=4)


def test_with_a_folder_it_writes_logs_there_also_while_it_is_off(machine: Path, with_logs: Target) -> None:
    assert host.install(ENGINE, with_logs, force=False) == "installed"
    words = Path(f"/proc/{pid(machine)}/cmdline").read_text().rstrip("\0").split("\0")
    assert words[-4:] == [f"{machine}/data/logs", "3", str(2 << 20), "4"]
    assert (machine / "data" / "logs").stat().st_mode & 0o7777 == 0o2750
    assert (machine / "data" / "logs").group() == "adm"
    await_record(machine)
    assert state().logs == f"{machine}/data/logs"
    first = pid(machine)
    assert host.switch_off(ENGINE, with_logs) == "off"
    assert host.install(ENGINE, with_logs, force=False) == "off"
    assert pid(machine) == first
    assert state().runs
    assert state().line == f"Watchdog: off; logs are written to {machine}/data/logs."
    assert host.install(ENGINE, TARGET, force=False) == "off", "without logs there is nothing for it to do"
    await_end(first)
    assert not state().runs
    host.install(ENGINE, with_logs, force=True)
    assert host.install(ENGINE, TARGET, force=False) == "installed", "without logs it is another one"
    assert state().logs == ""


def test_systemd_lets_it_write_there_and_nowhere_else(systemd: Path, with_logs: Target) -> None:
    host.install(ENGINE, with_logs, force=False)
    assert f"\nReadWritePaths={systemd}/data/logs\n" in (systemd / "units" / f"{SERVICE}.service").read_text()
    host.install(ENGINE, TARGET, force=False)
    assert "ReadWritePaths" not in (systemd / "units" / f"{SERVICE}.service").read_text()


@pytest.mark.parametrize(("changes", "fault"), [
    ({"data_dir": "/srv/$(reboot)"}, "dataDir is"), ({"log_max_size": "big"}, "logMaxSize is big"),
    ({"log_retention_days": "1; reboot"}, "logRetentionDays is 1; reboot"),
    ({"docker_host": "unix:///tmp/$(reboot)"}, "dockerHost is")])
def test_a_value_that_a_shell_would_obey_is_refused(with_logs: Target, changes: dict[str, str], fault: str) -> None:
    with pytest.raises(OperatorError, match=re.escape(fault)):
        host.install(ENGINE, replace(with_logs, **changes), force=False)  # type: ignore[arg-type]
