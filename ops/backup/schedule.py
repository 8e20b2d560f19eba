"""A backup each day without anybody's hand: a timer of systemd where this user may make one, else a line of cron's."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from ..docker import last_line
from ..errors import OperatorError
from ..stack import LOG_FOLDER
from ..target import ROOT

UNITS = Path("/etc/systemd/system")
_SYSTEMD = Path("/run/systemd/system")
_SERVICE = """\
[Unit]
Description=Backup of the stealth VPN server {stack}
Wants=network-online.target
After=network-online.target docker.service

[Service]
Type=oneshot
Environment=HOME=%h
ExecStart={command}
Nice=10
"""
_TIMER = """\
[Unit]
Description=Daily backup of the stealth VPN server {stack}

[Timer]
OnCalendar=*-*-* {at}:00
RandomizedDelaySec=15m
Persistent=true

[Install]
WantedBy=timers.target
"""


def add(stack: str, at: str) -> str:
    """Make a backup each day at that time, in place of an earlier schedule; return what to tell the operator."""
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", at):
        raise OperatorError(f"--at is {at}, but a time of day is written as 03:30.")
    if _has_systemd():
        unit = _unit(stack)
        (UNITS / f"{unit}.service").write_text(_SERVICE.format(stack=stack, command=_for_systemd(_words(stack))))
        (UNITS / f"{unit}.timer").write_text(_TIMER.format(stack=stack, at=at))
        _run("systemctl", "daemon-reload")
        _run("systemctl", "enable", "--now", f"{unit}.timer")
        return f"A backup is made each day at {at} or soon after. `journalctl -u {unit}` shows what they said."
    log = LOG_FOLDER / f"{stack}.backup"
    LOG_FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    hour, minute = at.split(":")
    command = f"{shlex.join(_words(stack))} >>{shlex.quote(str(log))} 2>&1"
    # An unescaped % ends a command of cron's (crontab(5)).
    escaped = command.replace("%", "\\%")
    _write_crontab([*_others(stack), f"{int(minute)} {int(hour)} * * * {escaped} {_mark(stack)}"])
    return f"A backup is made each day at {at}. {log} has what they said."


def remove(stack: str) -> str:
    """Make none by themselves any more; return what to tell the operator."""
    unit = _unit(stack)
    if _has_systemd():
        if (UNITS / f"{unit}.timer").exists():
            _run("systemctl", "disable", "--now", f"{unit}.timer")
            for kind in ("timer", "service"):
                (UNITS / f"{unit}.{kind}").unlink(missing_ok=True)
            _run("systemctl", "daemon-reload")
    else:
        _write_crontab(_others(stack))
    return f"No backup of {stack} is made by itself any more."


def stands(stack: str) -> bool:
    """Tell whether a backup is made each day by what `add` made here."""
    if _has_systemd():
        return (UNITS / f"{_unit(stack)}.timer").exists()
    if not shutil.which("crontab"):
        return False
    done = _crontab(["-l"])
    return done.returncode == 0 and any(line.endswith(_mark(stack)) for line in done.stdout.splitlines())


def _has_systemd() -> bool:
    return _SYSTEMD.is_dir() and os.geteuid() == 0


def _unit(stack: str) -> str:
    return f"stealth-vpn-backup-{stack}"


def _mark(stack: str) -> str:
    return f"# {_unit(stack)}"


def _words(stack: str) -> list[str]:
    """Return the command, which works in any folder."""
    return [str(ROOT / "scripts" / "ops"), "--stack", stack, "backup"]


def _for_systemd(words: list[str]) -> str:
    # systemd.service(5): % and $ are its own, and words in double quotes may hold blanks. By way of env, because the
    # name of the program itself may hold no quotes.
    escaped = (re.sub(r'(["\\])', r"\\\1", word).replace("%", "%%").replace("$", "$$") for word in words)
    return " ".join(["/usr/bin/env", *(f'"{word}"' for word in escaped)])


def _others(stack: str) -> list[str]:
    """Return the lines of this user's crontab but ours."""
    done = _crontab(["-l"])
    # Without a crontab yet it ends with 1.
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    return [line for line in lines if not line.endswith(_mark(stack))]


def _write_crontab(lines: list[str]) -> None:
    done = _crontab(["-"], "".join(f"{line}\n" for line in lines))
    if done.returncode != 0:
        raise OperatorError(f"cron takes no schedule: {last_line(done.stderr)}. Mend that, and try again.")


def _crontab(words: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - fixed words
            ["crontab", *words], input=text, capture_output=True, text=True, check=False)  # noqa: S607 - the system's
    except FileNotFoundError as error:
        raise OperatorError("this machine has neither systemd, for root, nor cron. Install the package cron, or let "
                            "another program run `ops backup`.") from error


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    if done.returncode != 0:
        raise OperatorError(f"`{' '.join(words)}` failed: {last_line(done.stderr)}. Mend that, and try again.")
