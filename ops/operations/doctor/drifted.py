"""Check of what the last look for drift found, and whether a schedule of such looks keeps its promise."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ...drift.record import Record
from ...schedule import DRIFT
from ..words import span
from .findings import Case, Finding

# It is made up to 15 minutes late, and waits for a deploy that is under way.
_DAILY = timedelta(hours=26)


def check(case: Case) -> Iterator[Finding]:
    """Look at what was kept of the last look; a look itself takes longer than all of the doctor's checks."""
    last, is_daily = Record.read(case.target.stack), DRIFT.stands(case.target.stack)
    if last and last.fault:
        yield _found("drift-unknown" if last.error else "drift-found", last.fault)
    elif is_daily and not last:
        yield _found("drift-unseen", "Drift is to be looked for each day, and it never was.")
    elif is_daily and last and (age := datetime.now(UTC) - last.at) > _DAILY:
        yield _found("drift-unseen", f"Drift is to be looked for each day, but the last look is {span(age)} old.")


def _found(name: str, fault: str) -> Finding:
    return Finding(check="drift", name=name, fault=fault, fix="ops drift")
