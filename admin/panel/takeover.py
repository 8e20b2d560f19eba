"""Takes a restored copy of a store over, before the panel opens its own: what snapshot.py made of it.

The copy is a file that lies in the panel's folder when the panel starts. Afterwards the store is what the copy was, but
for what must not come back, and the file is gone. A kill in between leaves the file, and the next start takes it again.
"""

import secrets
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete

from . import audit, backups, drift
from .store import snapshot
from .store.accounts import SignIn
from .store.database import Database
from .store.migration import migrate
from .store.models import Fact

FOLDER = Path("/var/lib/admin")
NAME = "restored.db"
# Beside it the number of users is nothing. JavaScript counts exactly up to 2**53, for some thousand restores.
_SKIPPED_IDS = 1 << 40


def take_over(url: str, folder: Path = FOLDER) -> None:
    """Make the store at url what the copy in the folder holds, if there is one; raises StoreError if it is damaged."""
    file = folder / NAME
    if not file.exists():
        return
    snapshot.check(file)
    _renew(file)
    store = Database(url)
    if store.file:
        store.close()
        _put(file, store.file)
        return
    _load(file, store)
    file.unlink()


def _renew(file: Path) -> None:
    """Bring the copy to this version, and take out of it what the server that it came from has outlived."""
    copy = Database(f"sqlite:///{file}")
    try:
        migrate(copy)
        with copy.write() as session:
            # An engine may have the users of a later revision, whose number this store would give again.
            session.get_one(Fact, "epoch").value = secrets.token_hex(8)
            # So would it the ids of users that were added since, and an id is what a link is made of. The same copy may
            # have been taken over before, so the gap is another one each time.
            gap = _SKIPPED_IDS // 2 + secrets.randbelow(_SKIPPED_IDS // 2)
            snapshot.set_highest_user_id(session, snapshot.highest_user_id(session) + gap)
            # One of them may have been ended since.
            session.execute(delete(SignIn))
            backups.begin_anew(session, datetime.now(UTC))
            # It was found at another server.
            drift.note(session, datetime.now(UTC), ())
            audit.record(session, audit.PANEL, "store.restore", "", taken_over_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M}")
    finally:
        copy.close()
    for left in file.parent.glob(f"{file.name}.before-*"):
        left.unlink()


def _put(file: Path, place: Path) -> None:
    # The log of the former store would be taken for one of the new.
    for end in ("-wal", "-shm"):
        place.with_name(place.name + end).unlink(missing_ok=True)
    file.rename(place)


def _load(file: Path, store: Database) -> None:
    copy = Database(f"sqlite:///{file}")
    try:
        migrate(store)
        with copy.read() as source, store.write() as target:
            snapshot.copy_rows(source, target)
            snapshot.next_ids(target)
            snapshot.set_highest_user_id(target, snapshot.highest_user_id(source))
    finally:
        copy.close()
        store.close()
