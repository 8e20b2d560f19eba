import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ops import schedule
from ops.errors import OperatorError
from ops.schedule import BACKUP, DRIFT

CRONTAB = """#!/bin/sh
case $1 in
-l) cat {file} 2>/dev/null || {{ echo "no crontab for root" >&2; exit 1; }} ;;
-) cat >{file} ;;
esac
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, in a folder with an awkward name, whose `ops` prints what it was asked."""
    folder = tmp_path / 'my 100% $HOME "server"'
    (folder / "scripts").mkdir(parents=True)
    door = folder / "scripts" / "ops"
    door.write_text('#!/bin/sh\necho "ops $*"\n')
    door.chmod(0o755)
    monkeypatch.setattr(schedule, "ROOT", folder)
    monkeypatch.setattr(schedule, "LOG_FOLDER", folder / ".pulumi" / "logs")
    return folder


@pytest.fixture
def crontab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Path) -> Path:
    """The crontab of a machine without systemd."""
    program, file = tmp_path / "bin" / "crontab", tmp_path / "table"
    program.parent.mkdir()
    program.write_text(CRONTAB.format(file=file))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(schedule, "_SYSTEMD", tmp_path / "none")
    return file


def test_a_schedule_of_cron_s_stands_until_it_is_taken_back(crontab: Path) -> None:
    assert not BACKUP.stands("local")
    BACKUP.add("local", "03:30")
    assert BACKUP.stands("local")
    assert not BACKUP.stands("prod")
    BACKUP.remove("local")
    assert not BACKUP.stands("local")


def test_where_there_is_no_cron_no_schedule_stands(crontab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert not BACKUP.stands("local")


def test_cron_gets_one_line_for_each_stack_and_keeps_the_others(crontab: Path) -> None:
    crontab.write_text("0 1 * * * of the operator\n")
    BACKUP.add("local", "03:30")
    BACKUP.add("prod", "04:05")
    BACKUP.add("local", "23:00")
    lines = crontab.read_text().splitlines()
    assert [line.split(" '/")[0] for line in lines] == ["0 1 * * * of the operator", "5 4 * * *", "0 23 * * *"]
    BACKUP.remove("prod")
    BACKUP.remove("local")
    assert crontab.read_text() == "0 1 * * * of the operator\n"


def test_the_line_runs_the_backup_as_cron_runs_it(crontab: Path, project: Path) -> None:
    said = BACKUP.add("local", "03:30")
    command = crontab.read_text().strip().split(" ", 5)[5].replace("\\%", "%")
    subprocess.run(["/bin/sh", "-c", command], check=True, cwd="/", env={"PATH": "/usr/bin:/bin"})
    log = project / ".pulumi" / "logs" / "local.backup"
    assert log.read_text() == "ops --stack local backup\n"
    assert str(log) in said


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Path) -> Path:
    """The units' folder of a machine with systemd, whose calls are written to the file `calls` beside them."""
    units, program = tmp_path / "units", tmp_path / "bin" / "systemctl"
    for folder in (units, program.parent, tmp_path / "systemd"):
        folder.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/calls\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(schedule, "_SYSTEMD", tmp_path / "systemd")
    monkeypatch.setattr(schedule, "UNITS", units)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return units


def test_systemd_gets_a_timer_that_makes_up_for_a_night_without_power(systemd: Path) -> None:
    BACKUP.add("prod", "03:30")
    timer = (systemd / "stealth-vpn-backup-prod.timer").read_text()
    assert "OnCalendar=*-*-* 03:30:00\n" in timer
    assert "Persistent=true\n" in timer
    assert (systemd.parent / "calls").read_text().splitlines() == [
        "daemon-reload", "enable --now stealth-vpn-backup-prod.timer"]
    BACKUP.remove("prod")
    assert list(systemd.iterdir()) == []


def test_a_timer_of_systemd_s_stands_until_it_is_taken_back(systemd: Path) -> None:
    BACKUP.add("local", "03:30")
    assert BACKUP.stands("local")
    assert not BACKUP.stands("prod")
    BACKUP.remove("local")
    assert not BACKUP.stands("local")


def test_two_jobs_of_a_stack_stand_beside_each_other(crontab: Path) -> None:
    BACKUP.add("local", "03:30")
    DRIFT.add("local", "04:40")
    assert len(crontab.read_text().splitlines()) == 2
    BACKUP.remove("local")
    assert DRIFT.stands("local")
    assert not BACKUP.stands("local")
    assert '/scripts/ops\' --stack local drift --json >>' in crontab.read_text()


def test_drift_that_was_found_is_no_fault_of_systemd_s_unit_and_a_failed_backup_is(systemd: Path) -> None:
    for job in (BACKUP, DRIFT):
        job.add("prod", "03:30")
    assert "SuccessExitStatus=3\n" in (systemd / "stealth-vpn-drift-prod.service").read_text()
    assert "SuccessExitStatus" not in (systemd / "stealth-vpn-backup-prod.service").read_text()


def test_systemd_s_own_characters_in_the_command_are_written_so_that_it_leaves_them(systemd: Path) -> None:
    BACKUP.add("prod", "03:30")
    service = (systemd / "stealth-vpn-backup-prod.service").read_text()
    assert '/my 100%% $$HOME \\"server\\"/scripts/ops" "--stack" "prod" "backup"\n' in service


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd's own checker is not on this machine")
def test_systemd_itself_takes_the_units(systemd: Path) -> None:
    BACKUP.add("prod", "03:30")
    words = ["systemd-analyze", "verify", *map(str, systemd.iterdir())]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "stealth-vpn-backup" not in done.stderr


@pytest.mark.parametrize("at", ["3:30", "24:00", "03:60", "03:30\n", "noon", ""])
def test_what_is_no_time_of_day_is_refused(crontab: Path, at: str) -> None:
    with pytest.raises(OperatorError, match="a time of day is written as 03:30"):
        BACKUP.add("local", at)
    assert not crontab.exists()


def test_a_machine_without_both_is_told_what_to_install(crontab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(OperatorError, match="Install the package cron"):
        BACKUP.add("local", "03:30")
