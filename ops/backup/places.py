"""Which repository a command means: the configured one, or one that is named on the command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import OperatorError
from ..target import BACKUP_KEY, ROOT
from .repository import Repository, Snapshot

LATEST = "latest"
_REMOTE = ("s3:", "sftp:")


def configured(values: Mapping[str, Any], *, root: Path = ROOT, key_file: Path = BACKUP_KEY) -> Repository:
    """Return the repository that the stack's settings name."""
    from components import checks
    from components.errors import SettingsError
    target, credentials = str(values["backupTarget"]), str(values["backupCredentialsFile"])
    try:
        checks.check_backup_target("backupTarget", target)
        checks.parse_backup_keep("backupKeep", str(values["backupKeep"]))
    except SettingsError as error:
        raise OperatorError(str(error)) from error
    return at(target, credentials, root=root, key_file=key_file)


def keep(values: Mapping[str, Any]) -> dict[str, int]:
    """Return how many backups are kept by period; none when all are."""
    from components import checks
    return checks.parse_backup_keep("backupKeep", str(values["backupKeep"]))


def at(target: str, credentials: str = "", *, root: Path = ROOT, key_file: Path = BACKUP_KEY) -> Repository:
    """Return the repository at a place, a path being one from the project."""
    return Repository(address=target if target.startswith(_REMOTE) else str(root / target), key_file=key_file,
                      credentials_file=root / credentials if credentials else None)


def split(where: str) -> tuple[str, str]:
    """Return place and snapshot of what a restore is given: PLACE, PLACE@SNAPSHOT, SNAPSHOT or latest.

    The place is empty where none is named. A folder, and whatever holds a slash or a colon, is a place.
    """
    place, found, snapshot = where.rpartition("@")
    if found and place and _is_snapshot(snapshot):
        return place, snapshot
    if _is_snapshot(where) and not Path(where).is_dir():
        return "", where
    return where, LATEST


def whole(where: str) -> str:
    """Return what a restore is given so that it means the same in every folder."""
    place, snapshot = split(where)
    return f"{at(place, root=Path.cwd()).address}@{snapshot}" if place else snapshot


def choose(found: list[Snapshot], snapshot: str, stack: str, repository: Repository) -> Snapshot:
    """Return a stack's backup by its id or the latest; raises OperatorError when there is none."""
    own = [item for item in found if item.stack == stack]
    chosen = own[-1:] if snapshot == LATEST else [item for item in own if item.id.startswith(snapshot[:8])]
    if chosen:
        return chosen[0]
    if own:
        raise OperatorError(f"{repository.address} has no backup {snapshot} of {stack}. `ops backup list` shows all.")
    others = sorted({item.stack for item in found})
    fix = f"It has some of {', '.join(others)}: add STACK={others[0]}." if others else "`ops backup` makes one."
    raise OperatorError(f"{repository.address} has no backup of the stack {stack}. {fix}")


def _is_snapshot(word: str) -> bool:
    return word == LATEST or (len(word) >= 8 and all(letter in "0123456789abcdef" for letter in word))
