"""Another key for the backups, in every place that this checkout's stacks keep them in.

A repository of restic's takes several keys (https://restic.readthedocs.io/en/stable/070_encryption.html). The new one
is added everywhere, then its file takes the former one's place, and last the former one is removed everywhere; each
step can be done again. The data's own key, which these open, stays: whoever has copied a repository with the former key
can still read it.
"""

import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from ..backup import places, tool
from ..backup.repository import KEY_BYTES, Repository
from ..backup.restic import NO_REPOSITORY, WRONG_KEY
from ..errors import OperatorError
from ..files import write_whole
from ..target import BACKUP_KEY, FORMER_BACKUP_KEY, NEXT_BACKUP_KEY, ROOT, settings

Show = Callable[[str], None]
_FINISH = "ops rotate backup-key --finish"


def rotate(show: Show, *, keeps_former: bool, root: Path = ROOT) -> None:
    """Make another key and let it open all backups; the former one goes too unless it is kept until `finish`."""
    tool.bring()
    if not BACKUP_KEY.exists():
        raise OperatorError(f"{BACKUP_KEY} is missing: there are no backups from here. `make backup` makes the first.")
    if FORMER_BACKUP_KEY.exists() and not NEXT_BACKUP_KEY.exists():
        raise OperatorError(f"the former key still opens the backups, so there is an overlap. End it by `{_FINISH}`.")
    found = list(_repositories(root, BACKUP_KEY))
    if not NEXT_BACKUP_KEY.exists():
        _make_next()
    for repository in found:
        _add_next(repository)
    shutil.copy2(BACKUP_KEY, FORMER_BACKUP_KEY)
    NEXT_BACKUP_KEY.replace(BACKUP_KEY)
    show(f"{BACKUP_KEY} is another now, and opens {_listed(found)}. Keep a copy of it away from this machine.")
    if keeps_former:
        show(f"The former key opens them too, until `{_FINISH}`.")
    else:
        finish(show, root)


def finish(show: Show, root: Path = ROOT) -> None:
    """Let the former key open nothing any more."""
    if not FORMER_BACKUP_KEY.exists():
        raise OperatorError("there is no former key of the backups, and so no overlap to end.")
    tool.bring()
    found = list(_repositories(root, BACKUP_KEY))
    for repository in found:
        _remove_former(repository)
    FORMER_BACKUP_KEY.unlink()
    show(f"The former key does not open {_listed(found)} any more.")


def _repositories(root: Path, key: Path) -> Iterator[Repository]:
    """Yield each place that has backups, once; raises OperatorError if one cannot be opened."""
    seen: set[str] = set()
    for file in sorted(root.glob("Pulumi.*.yaml")):
        repository = places.configured(settings(file.name.split(".")[1], root), root=root, key_file=key)
        if repository.address in seen:
            continue
        seen.add(repository.address)
        if repository.opened().returncode != NO_REPOSITORY:
            # A killed run may have come as far as the new key's place.
            repository.open()
            yield repository


def _make_next() -> None:
    # Whole or not there: a part of a key would be added as one.
    write_whole(NEXT_BACKUP_KEY, secrets.token_urlsafe(KEY_BYTES) + "\n")


def _by(repository: Repository, key: Path) -> Repository:
    return Repository(address=repository.address, key_file=key, credentials_file=repository.credentials_file)


def _add_next(repository: Repository) -> None:
    if _by(repository, NEXT_BACKUP_KEY).opened().returncode == WRONG_KEY:
        repository.call("key", "add", "--new-password-file", str(NEXT_BACKUP_KEY))
    _by(repository, NEXT_BACKUP_KEY).open()


def _remove_former(repository: Repository) -> None:
    former = _by(repository, FORMER_BACKUP_KEY)
    if former.opened().returncode == WRONG_KEY:
        return
    used = next(entry["id"] for entry in json.loads(former.call("key", "list", "--json")) if entry["current"])
    repository.call("key", "remove", used)


def _listed(found: list[Repository]) -> str:
    return ", ".join(repository.address for repository in found) or "no backups, for there are none"
