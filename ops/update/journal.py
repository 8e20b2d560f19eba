"""What an update has begun and not ended, so that a run that was killed can be gone on with, and the last one undone.

A folder of each stack, beside Pulumi's state and readable by its owner only: the journal itself, the state and the
stack's files of before. The version that began an update writes it and the version that it goes to reads it, so
FORMAT grows with every change that the other could not understand.
"""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from ..errors import OperatorError
from ..files import write_whole
from ..target import ROOT

FORMAT = 1
FOLDER = ROOT / ".pulumi" / "update"
_JOURNAL, _STATE, _FILES = "journal.json", "state.json", "files"
_PROMOTION = "promotion.json"
_LAST, _LAST_STATE = "last.json", "last-state.json"

BEGUN, READY, BACK, BACK_READY = "begun", "ready", "back", "back ready"
"""Phases: the code is on its way, or there; then the same on the way back."""


class BusyError(OperatorError):
    """Another update of the stack is running."""


@dataclass(frozen=True, kw_only=True)
class Journal:
    """One update."""

    stack: str
    origin: str
    """Commit that ran before."""

    goal: str
    """Commit that shall run."""

    phase: str = BEGUN
    began_at: str = ""
    """UTC, as ISO 8601."""

    backup: str = ""
    """The backup that was made before; empty without one."""

    fault: str = ""
    """Why it goes back."""

    undoes: bool = False
    """Whether it takes back an update that had ended, at the operator's wish."""

    format: int = FORMAT

    @classmethod
    def read(cls, stack: str) -> Self | None:
        """Return the update that has not ended, if there is one."""
        return cls._of(FOLDER / stack / _JOURNAL)

    @classmethod
    def last(cls, stack: str) -> Self | None:
        """Return the last update that has ended well, if it can be undone."""
        return cls._of(FOLDER / stack / _LAST)

    @classmethod
    def last_state(cls, stack: str) -> str:
        """Return the state of before that one, as `pulumi stack export` printed it."""
        return (FOLDER / stack / _LAST_STATE).read_text()

    @classmethod
    def _of(cls, file: Path) -> Self | None:
        if not file.exists():
            return None
        values = json.loads(file.read_text())
        if values.get("format") != FORMAT:
            raise OperatorError(f"{file} has the form {values.get('format')}, but this version knows {FORMAT} only. "
                                f"Take the version {values.get('goal')} by git, and run that command again.")
        return cls(**values)

    @property
    def state(self) -> str:
        """The state of before, as `pulumi stack export` printed it."""
        return (self._folder / _STATE).read_text()

    @property
    def promotion(self) -> str:
        """The pinned set that it brings, as it was written; empty of an update that builds."""
        file = self._folder / _PROMOTION
        held = json.loads(file.read_text()) if file.exists() else {}
        # A version that knows no promotions takes none away; what it began later is another update.
        return str(held["pin"]) if held.get("began_at") == self.began_at else ""

    def begin(self, state: str, files: list[Path], promotion: str = "") -> Self:
        """Write down state, files and pinned set, then the journal itself: only with it the update has begun."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(self._folder / _FILES, ignore_errors=True)
        (self._folder / _FILES).mkdir(mode=0o700)
        write_whole(self._folder / _STATE, state)
        for file in files:
            write_whole(self._folder / _FILES / file.name, file.read_text())
        begun = replace(self, began_at=datetime.now(UTC).isoformat(timespec="seconds"))
        (self._folder / _PROMOTION).unlink(missing_ok=True)
        if promotion:
            # Not in the journal: a version from before there were promotions must be able to read that, to go back.
            write_whole(self._folder / _PROMOTION, json.dumps({"began_at": begun.began_at, "pin": promotion}))
        write_whole(self._folder / _JOURNAL, json.dumps(asdict(begun)))
        return begun

    def at(self, phase: str, fault: str = "") -> Self:
        """Write down that it has come to a phase."""
        moved = replace(self, phase=phase, fault=fault or self.fault)
        write_whole(self._folder / _JOURNAL, json.dumps(asdict(moved)))
        return moved

    def put_files_back(self, root: Path = ROOT) -> None:
        """Give the stacks' files the content that they had when it began."""
        for file in sorted((self._folder / _FILES).iterdir()):
            write_whole(root / file.name, file.read_text(), mode=0o644)

    def end_well(self) -> None:
        """Let it be the last update, which can be undone."""
        write_whole(self._folder / _LAST_STATE, self.state)
        (self._folder / _JOURNAL).rename(self._folder / _LAST)

    def forget(self) -> None:
        """Let nothing be left to go on with; what it undid cannot be undone again."""
        if self.undoes:
            (self._folder / _LAST).unlink(missing_ok=True)
        (self._folder / _JOURNAL).unlink(missing_ok=True)

    @property
    def _folder(self) -> Path:
        return FOLDER / self.stack


def unfinished(stack: str) -> str:
    """Say that an update has not ended, and which command goes on with one that was interrupted; empty without one."""
    if not (FOLDER / stack).exists():
        return ""
    try:
        with alone(stack):
            return interrupted(stack)
    except BusyError:
        return "An update is under way. Wait until it has ended."


def interrupted(stack: str) -> str:
    """Say the same while no other update can be under way, because this process keeps them out."""
    found = Journal.read(stack)
    if found is None:
        return ""
    way = f"from {found.goal[:12]} back to {found.origin[:12]}" if found.phase in {BACK, BACK_READY} \
        else f"from {found.origin[:12]} to {found.goal[:12]}"
    return f"An update {way} was interrupted. Run `ops update --continue`."


@contextmanager
def alone(stack: str) -> Iterator[None]:
    """Keep other updates of the stack out; the kernel ends this with the process."""
    folder = FOLDER / stack
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"another update of {stack} is running. Wait until it has ended.") from None
        yield
