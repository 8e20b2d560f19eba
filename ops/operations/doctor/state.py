"""Checks of Pulumi's state and what opens it: locks, half-done work, passphrase, and who may read it."""

import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

from ...errors import OperatorError
from ...stack import Stack, passphrase_file
from ...unfinished import unfinished
from .findings import Case, Finding, Repair

# The first deploy of a server takes minutes, and a step of a pipeline is ended after an hour.
_OLD_LOCK_SECONDS = 3600


def check(case: Case) -> Iterator[Finding]:
    """Look at the state as far as it can be read."""
    for one in unfinished(case.target.stack):
        yield _found(f"{one.name}-unfinished", one.sentence, one.command)
    yield from _of_files(case.stack)
    yield from _of_locks(case.stack)
    try:
        is_made = case.stack.is_made()
    except OperatorError as error:
        yield _found("state-silent", str(error), "pulumi whoami --verbose")
        return
    if not is_made:
        if case.is_deployed:
            yield _found("state-missing", f"The server is here, but the state of the stack {case.target.stack} is not, "
                                          "so that nothing can be changed from here.", "ops restore latest --keep-data")
        return
    yield from _of_state(case)


def _of_files(stack: Stack) -> Iterator[Finding]:
    for file in stack.private_files():
        try:
            mode = file.stat().st_mode
        except OSError:
            continue
        if mode & 0o077:
            wanted = 0o700 if file.is_dir() else 0o600
            yield _found("file-open", f"{file} may be read by others: its mode is {mode & 0o777:o}.",
                         f"chmod {wanted:o} {shlex.quote(str(file))}",
                         Repair(does=f"takes others' rights to {file} away", do=lambda file=file, wanted=wanted:  # type: ignore[misc]
                                file.chmod(wanted)))


def _of_locks(stack: Stack) -> Iterator[Finding]:
    try:
        found = stack.locks()
    except OperatorError:
        # Whoever asks for the state next says why it cannot be had.
        return
    for lock in found:
        if lock.is_dead:
            yield _found("state-locked", f"The state is locked by a run that was ended by force (process {lock.pid}); "
                                         "no deploy can begin.", "make up takes the lock away, or pulumi cancel",
                         Repair(does="takes the lock of the dead run away", do=stack.break_dead_locks))
        elif not lock.machine:
            yield _found("state-locked", f"The state is locked by {lock.place}, which cannot be read.", "pulumi cancel")
        elif not lock.is_here and time.time() - lock.made_at > _OLD_LOCK_SECONDS:
            yield _found("state-locked", f"The state is locked by {lock.holder}, which is longer than a deploy takes.",
                         f"toolchain/run.sh pulumi cancel --yes --stack {stack.name}, if no run is at work there")


def _of_state(case: Case) -> Iterator[Finding]:
    try:
        pending = case.stack.has_pending_operations()
        # Asked of Pulumi itself: only with the right passphrase it can show secrets, which are thrown away here.
        export = json.loads(case.stack.export())
    except (OSError, ValueError, KeyError) as error:
        yield _found("state-damaged", f"The state of the stack {case.target.stack} cannot be read: {error}.",
                     "ops restore latest --keep-data")
        return
    except OperatorError as error:
        yield from _of_passphrase(str(error))
        return
    waiting = export["deployment"].get("pending_operations") or []
    if pending and waiting:
        names = sorted({str(entry["resource"]["urn"]).rpartition("::")[2] for entry in waiting})
        yield _found("state-half-done", f"A former run was killed while it changed {', '.join(names)}.", "make up",
                     Repair(does="takes away what the killed run had begun to make",
                            do=lambda: case.stack.repair(case.engine)))


def _of_passphrase(said: str) -> Iterator[Finding]:
    file = passphrase_file()
    place = str(file) if file else "PULUMI_CONFIG_PASSPHRASE"
    if file and not Path(file).exists():
        yield _found("passphrase-missing", f"{place} is missing, but without it the state cannot be opened.",
                     f"put the copy of it at {place} that you keep elsewhere, or ops restore latest --keep-data")
    elif "passphrase" in said:
        yield _found("passphrase-wrong", f"The passphrase in {place} does not open the state.",
                     f"put the one into {place} that the server was deployed with, or ops restore latest --keep-data")
    else:
        yield _found("state-damaged", f"The state cannot be read: {said}.", "ops restore latest --keep-data")


def _found(name: str, fault: str, fix: str, repair: Repair | None = None) -> Finding:
    return Finding(check="state", name=name, fault=fault, fix=fix, repair=repair)
