"""A command each day without anybody's hand: a timer of systemd where this user may make one, else a line of cron's."""

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .docker import last_line
from .errors import OperatorError
from .output import DRIFTED
from .stack import LOG_FOLDER
from .target import ROOT

UNITS = Path("/etc/systemd/system")
_SYSTEMD = Path("/run/systemd/system")
_SERVICE = """\
[Unit]
Description={title} of the stealth VPN server {stack}
Wants=network-online.target
After=network-online.target docker.service

[Service]
Type=oneshot
Environment=HOME=%h
ExecStart={command}
Nice=10
{more}"""
_TIMER = """\
[Unit]
Description=Daily {title} of the stealth VPN server {stack}

[Timer]
OnCalendar=*-*-* {at}:00
RandomizedDelaySec=15m
Persistent=true

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is done each day."""

    words: tuple[str, ...]
    """The command, after `ops --stack STACK`; its first word tells one job from another."""

    what: str
    """What it is, in words that follow "a"."""

    found_codes: tuple[int, ...] = ()
    """Exit codes beside 0 with which it has done its work: they are no fault of the job's."""

    def add(self, stack: str, at: str) -> str:
        """Do it each day at that time, in place of an earlier schedule; return what to tell the operator."""
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", at):
            raise OperatorError(f"--at is {at}, but a time of day is written as 03:30.")
        return self._add_timer(stack, at) if _has_systemd() else self._add_line(stack, at)

    def remove(self, stack: str) -> str:
        """Do it by itself no more; return what to tell the operator."""
        unit = self._unit(stack)
        if _has_systemd():
            if (UNITS / f"{unit}.timer").exists():
                _run("systemctl", "disable", "--now", f"{unit}.timer")
                for kind in ("timer", "service"):
                    (UNITS / f"{unit}.{kind}").unlink(missing_ok=True)
                _run("systemctl", "daemon-reload")
        else:
            _write_crontab(self._others(stack))
        return f"No {self.what} of {stack} is made by itself any more."

    def stands(self, stack: str) -> bool:
        """Tell whether it is done each day by what `add` made here."""
        if _has_systemd():
            return (UNITS / f"{self._unit(stack)}.timer").exists()
        if not shutil.which("crontab"):
            return False
        done = _crontab(["-l"])
        return done.returncode == 0 and any(line.endswith(self._mark(stack)) for line in done.stdout.splitlines())

    def _add_timer(self, stack: str, at: str) -> str:
        unit = self._unit(stack)
        more = f"SuccessExitStatus={' '.join(map(str, self.found_codes))}\n" if self.found_codes else ""
        (UNITS / f"{unit}.service").write_text(_SERVICE.format(
            stack=stack, title=self.what.capitalize(), command=_for_systemd(self._command(stack)), more=more))
        (UNITS / f"{unit}.timer").write_text(_TIMER.format(stack=stack, title=self.what, at=at))
        _run("systemctl", "daemon-reload")
        _run("systemctl", "enable", "--now", f"{unit}.timer")
        return f"A {self.what} is made each day at {at} or soon after. `journalctl -u {unit}` shows what they said."

    def _add_line(self, stack: str, at: str) -> str:
        log = LOG_FOLDER / f"{stack}.{self.words[0]}"
        LOG_FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        hour, minute = at.split(":")
        command = f"{shlex.join(self._command(stack))} >>{shlex.quote(str(log))} 2>&1"
        # An unescaped % ends a command of cron's (crontab(5)).
        escaped = command.replace("%", "\\%")
        _write_crontab([*self._others(stack), f"{int(minute)} {int(hour)} * * * {escaped} {self._mark(stack)}"])
        return f"A {self.what} is made each day at {at}. {log} has what they said."

    def _command(self, stack: str) -> list[str]:
        """Return the command, which works in any folder."""
        return [str(ROOT / "scripts" / "ops"), "--stack", stack, *self.words]

    def _unit(self, stack: str) -> str:
        return f"stealth-vpn-{self.words[0]}-{stack}"

    def _mark(self, stack: str) -> str:
        return f"# {self._unit(stack)}"

    def _others(self, stack: str) -> list[str]:
        """Return the lines of this user's crontab but ours."""
        done = _crontab(["-l"])
        # Without a crontab yet it ends with 1.
        lines = done.stdout.splitlines() if done.returncode == 0 else []
        return [line for line in lines if not line.endswith(self._mark(stack))]


BACKUP = Job(words=("backup",), what="backup")
# Drift is what it looks for, and no fault of the looking.
DRIFT = Job(words=("drift", "--json"), what="look for drift", found_codes=(DRIFTED,))


def _has_systemd() -> bool:
    return _SYSTEMD.is_dir() and os.geteuid() == 0


def _for_systemd(words: list[str]) -> str:
    # systemd.service(5): % and $ are its own, and words in double quotes may hold blanks. By way of env, because the
    # name of the program itself may hold no quotes.
    escaped = (re.sub(r'(["\\])', r"\\\1", word).replace("%", "%%").replace("$", "$$") for word in words)
    return " ".join(["/usr/bin/env", *(f'"{word}"' for word in escaped)])


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
                            "another program run the command.") from error


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    if done.returncode != 0:
        raise OperatorError(f"`{' '.join(words)}` failed: {last_line(done.stderr)}. Mend that, and try again.")
