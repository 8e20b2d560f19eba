"""Puts several files in their places as if at once: whole into a folder first, and then one after the other.

A kill before all are in the folder changes nothing. After that the next run finishes what was begun.
"""

import json
import shutil
from pathlib import Path

from .files import write_whole

_PLAN = "plan.json"


class Journal:
    """The files of one change; nobody but their owner may read the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._plan: list[tuple[str, str]] = []

    def begin(self) -> None:
        """Make the folder anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True)

    def put(self, content: bytes, to: Path) -> None:
        """Plan a file's new content."""
        name = f"{len(self._plan)}.new"
        write_whole(self.folder / name, content)
        self._plan.append((name, str(to)))

    def remove(self, file: Path) -> None:
        """Plan that a file goes."""
        self._plan.append(("", str(file)))

    def commit(self) -> None:
        """Do all that was planned; from here on it is done whatever happens."""
        write_whole(self.folder / _PLAN, json.dumps(self._plan))
        self.settle()

    def settle(self) -> bool:
        """Finish what a killed run has committed, and forget what it has not; return whether there was any."""
        if not self.folder.exists():
            return False
        plan = self.folder / _PLAN
        is_committed = plan.exists()
        for name, to in json.loads(plan.read_text()) if is_committed else ():
            _move(self.folder / name, Path(to)) if name else Path(to).unlink(missing_ok=True)
        shutil.rmtree(self.folder)
        return is_committed


def _move(source: Path, to: Path) -> None:
    if not source.exists():
        return  # The killed run came as far as this.
    write_whole(to, source.read_bytes(), to.stat().st_mode & 0o777 if to.exists() else 0o600)
    source.unlink()
