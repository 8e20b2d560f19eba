"""One compared promise, and how two sides become one."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What came of a check; whatever is not kept makes the command fail."""

    DIFFERS = "differs"
    NOT_CHECKED = "not checked"
    KEPT = "kept"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One row of the table. No field ever holds a value that could be secret."""

    subject: str
    """Container, network, volume, image, or what else was looked at."""

    promise: str
    found: str
    verdict: Verdict
    remedy: str = ""
    """What to do about it; empty for a kept promise."""


def judged(subject: str, promise: str, faults: Iterable[str], remedy: str, kept: str = "yes") -> Check:
    """Return a check that differs by these faults, or is kept when there are none."""
    found = "; ".join(dict.fromkeys(faults))
    if found:
        return Check(subject=subject, promise=promise, found=found, verdict=Verdict.DIFFERS, remedy=remedy)
    return Check(subject=subject, promise=promise, found=kept, verdict=Verdict.KEPT)


def unchecked(subject: str, promise: str, why: str, remedy: str) -> Check:
    """Return a check that could not be made."""
    return Check(subject=subject, promise=promise, found=why, verdict=Verdict.NOT_CHECKED, remedy=remedy)


def listed(items: Iterable[object]) -> str:
    """Return the items in order, or `none`."""
    return ", ".join(sorted(str(item) for item in items)) or "none"


def different(expected: object, found: object) -> list[str]:
    """Return the fault of a value that nobody needs to hide, or no fault."""
    return [] if expected == found else [f"{_shown(found)} instead of {_shown(expected)}"]


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return listed(f"{key} {entry}" for key, entry in value.items())
    if isinstance(value, (set, frozenset, list, tuple)):
        return listed(value)
    return str(value) or "none"
