"""Refuses a store that is no longer what it was: damaged, emptied or gone.

SQLite takes a file that is missing or empty for a new store. The panel would give it its first user, and bring the
engines to that one user: everybody else would be shut out, and nobody told. So a file beside the store says that there
was one. PostgreSQL is the operator's own to watch.
"""

from pathlib import Path

from . import snapshot
from .database import StoreError

_SUFFIX = ".made"


def check(file: Path) -> None:
    """Judge the store's file before it is opened; raises StoreError if it was a store and is none any more."""
    was_made = _mark(file).exists()
    if was_made and not (file.exists() and file.stat().st_size):
        raise StoreError(
            f"The panel's store {file} is {'empty' if file.exists() else 'gone'}, but it had users, whom the engines "
            f"keep. Restore a backup (`ops restore`), or delete {_mark(file).name} beside it to begin anew.")
    if was_made:
        snapshot.check(file)


def note(file: Path) -> None:
    """Write down that there is a store now."""
    _mark(file).touch(mode=0o600)


def _mark(file: Path) -> Path:
    return file.with_name(f"{file.name}{_SUFFIX}")
