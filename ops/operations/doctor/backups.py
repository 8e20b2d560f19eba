"""Check of the backups: whether a schedule keeps its promise, and whether the last backup is of use."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ...backup import places
from ...errors import OperatorError
from ...schedule import BACKUP
from ...target import BACKUP_KEY
from ..words import span
from .findings import Case, Finding

# A daily one is made up to 15 minutes late, and takes its time.
_DAILY = timedelta(hours=26)
_BY_HAND = timedelta(days=8)


def check(case: Case) -> Iterator[Finding]:
    """Look for the stack's last backup, where backups are made at all."""
    is_daily = BACKUP.stands(case.target.stack)
    if not is_daily and not BACKUP_KEY.exists():
        return
    try:
        repository = places.configured(case.settings)
        repository.open()
        found = repository.snapshots(case.target.stack)
    except OperatorError as error:
        # Somebody may make them at another place by hand; a schedule makes them here.
        if is_daily:
            yield Finding(check="backups", name="backup-unreadable", fault=str(error), fix="make backup")
        return
    if not found and is_daily:
        yield Finding(check="backups", name="backup-missing", fix="make backup",
                      fault=f"A backup is to be made each day, but {repository.address} has none of this stack.")
    elif found and (age := datetime.now(UTC) - found[-1].made_at) > (_DAILY if is_daily else _BY_HAND):
        yield Finding(check="backups", name="backup-old", fix="make backup",
                      fault=f"The last backup of this stack at {repository.address} is {span(age)} old.")
