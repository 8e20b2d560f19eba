"""Puts the watchdog on the engine's machine, takes it away, and reads what it wrote down.

By the shell scripts of scripts.py, which run there directly or over ssh, as root where this user may be
(Engine.on_host).
"""

import base64
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from ..docker import Engine, last_line
from ..errors import OperatorError
from ..target import Target
from . import scripts

PROGRAM = Path(__file__).with_name("program")
PYTHON = "/usr/bin/python3"
SILENT_SECONDS = 60
"""A watchdog that has not looked for so long hangs itself."""

_PLACES = {
    "units": "/etc/systemd/system", "library": "/usr/local/lib/stealth-vpn", "runtime": "/run/stealth-vpn",
    "log": "/var/log",
    # It is there when systemd runs the machine (sd_booted(3)).
    "systemd": "/run/systemd/system",
}
_WHY_NOT = {
    "root": "it takes root on the engine's machine. Run `ops watchdog install` as root, or as a user of sudo without "
            "a password",
    "python": f"the engine's machine has no {PYTHON} of 3.11 or newer. Install the package python3 there",
}


@dataclass(frozen=True, kw_only=True)
class State:
    """What is known of a stack's watchdog."""

    runs: bool = False
    has_died: bool = False
    """Whether it says that it runs, but has ended without a word, or has not looked for SILENT_SECONDS."""

    is_off: bool = False
    """Whether an operator has switched it off."""

    trouble: str = ""
    """What keeps it from looking."""

    logs: str = ""
    """The folder on its machine into which it writes logs; empty if it writes none."""

    acts: list[dict[str, Any]] = field(default_factory=list)
    """Its last restarts: at (UTC), service, reason."""

    @classmethod
    def of(cls, engine: Engine, stack: str) -> Self:
        """Ask the engine's machine; where no shell can be reached nothing is known, and none runs."""
        lines = engine.on_host(_filled(scripts.LOOK, stack)).stdout.split("\n", 3)
        try:
            written = json.loads(lines[3])
            is_awake = lines[1] == "held" and int(lines[2]) < SILENT_SECONDS
        except (ValueError, IndexError):
            written, is_awake = {}, False
        says_so = bool(written.get("running"))
        return cls(runs=says_so and is_awake, has_died=says_so and not is_awake, is_off=lines[0] == "off",
                   trouble=written.get("fault") or written.get("log_fault", ""), logs=written.get("logs", ""),
                   acts=written.get("acts", []))

    @property
    def fault(self) -> str:
        """What is wrong with it, as a sentence; empty if nothing is."""
        if self.has_died:
            return "The watchdog has ended without a word, or hangs."
        return f"The watchdog cannot do its work: {self.trouble}." if self.runs and self.trouble else ""

    @property
    def line(self) -> str:
        """Return the state for people."""
        last = self.acts[-1] if self.acts else None
        done = f"; logs are written to {self.logs}" if self.runs and self.logs else ""
        done += f"; last it restarted {last['service']} at {last['at']}, which {last['reason']}" if last else ""
        if self.is_off:
            return f"Watchdog: off{done}."
        if self.runs:
            return f"Watchdog: runs{done}."
        return f"Watchdog: none runs, so a service that hangs stays so; `ops watchdog install`{done}."


def install(engine: Engine, target: Target, *, force: bool) -> str:
    """Let it run from now on, as one word: installed, kept as it is, off by an operator, or what it lacks.

    With `force` also one that was switched off. Raises OperatorError when the machine refuses.
    """
    words, logs, program = " ".join(arguments(target, "stealth_watchdog")), log_folder(target), _packed()
    unit = _filled(scripts.UNIT, target.stack, words=words, writable=f"ReadWritePaths={logs}\n" if logs else "")
    digest = hashlib.sha256(program + unit.encode()).hexdigest()
    return _word(engine, _filled(scripts.INSTALL, target.stack, force="yes" if force else "no", words=words,
                                 logs=logs, digest=digest, program=_encoded(program),
                                 unit_text=_encoded(unit.encode())))


def switch_off(engine: Engine, target: Target) -> str:
    """Let it restart nothing more, also after `ops up`; as one word: off, or root if that is lacking.

    One that writes logs goes on doing that.
    """
    return _word(engine, _filled(scripts.OFF, target.stack, logs=log_folder(target)))


def remove(engine: Engine, stack: str) -> str:
    """Take it away, as one word: removed, none, or root if that is lacking. Whether it is off is kept."""
    return _word(engine, _filled(scripts.REMOVE, stack))


def why_not(word: str) -> str:
    """Return why it could not be installed, as a clause; empty if it could."""
    return _WHY_NOT.get(word, "")


def arguments(target: Target, package: str) -> list[str]:
    """Return what Python is given to run the program; raises OperatorError for what no script may hold."""
    socket = target.docker_host.removeprefix("unix://") if target.is_local else "/var/run/docker.sock"
    if not re.fullmatch(r"[A-Za-z0-9._/-]+", socket):
        raise OperatorError(f"dockerHost is {target.docker_host}, but the watchdog takes letters, digits, dots, _, - "
                            "and / only. Give the socket another name.")
    words = ["-E", "-s", "-S", "-m", package, target.stack, socket, _filled("{state}", target.stack),
             _filled("{off}", target.stack)]
    if logs := log_folder(target):
        words += [logs, *_limits(target)]
    return words


def log_folder(target: Target) -> str:
    """Return the folder for logs on the engine's machine, empty for none; raises OperatorError for a wrong one."""
    with _rules() as checks:
        checks.check_data_dir("dataDir", target.data_dir)
    return f"{target.data_dir}/logs" if target.data_dir else ""


def _limits(target: Target) -> list[str]:
    """Return how many days are kept, the bytes of a file, and how many of a day, as the program takes them."""
    with _rules() as checks:
        for key, count in (("logRetentionDays", target.log_retention_days), ("logMaxFiles", target.log_max_files)):
            if not isinstance(count, int):
                checks.refuse(key, count, "it must be a whole number")
        file_bytes = checks.log_bytes("logMaxSize", target.log_max_size)
    return [str(target.log_retention_days), str(file_bytes), str(target.log_max_files)]


@contextmanager
def _rules() -> Iterator[ModuleType]:
    """Lend the program's rules for single values, whose refusals become errors of the operator's."""
    # Here and not above: the other commands shall not wait for them.
    from components import checks
    from components.errors import SettingsError
    try:
        yield checks
    except SettingsError as error:
        raise OperatorError(str(error)) from error


def _packed() -> bytes:
    """Return the program as a tar that is the same for the same sources."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for file in sorted(PROGRAM.glob("*.py")):
            entry = tarfile.TarInfo(f"stealth_watchdog/{file.name}")
            entry.size = file.stat().st_size
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(file.read_bytes()))
    return made.getvalue()


def _filled(script: str, stack: str, **values: str) -> str:
    # Pulumi takes no other names either; here one would become a part of a script that root runs.
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", stack):
        raise OperatorError(f"{stack} is no name of a stack. Use letters, digits, dots, _ and -.")
    name = f"watchdog-{stack}"
    return script.format(**_PLACES, stack=stack, python=PYTHON, service=f"stealth-vpn-{name}",
                         state=f"{_PLACES['runtime']}/{name}.json", home=f"{_PLACES['library']}/{stack}",
                         off=f"{_PLACES['library']}/{name}.off", **values)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _word(engine: Engine, script: str) -> str:
    done = engine.on_host(script)
    if done.returncode != 0:
        raise OperatorError(f"the engine's machine refuses the watchdog: {last_line(done.stderr)}. "
                            "Mend that there, and run `ops watchdog install`.")
    return done.stdout.strip()
