"""Shows the checks: to somebody who was woken by them, and to programs."""

import json
from collections.abc import Iterable, Iterator

from .checks import Check, Verdict

_ORDER = [Verdict.DIFFERS, Verdict.NOT_CHECKED, Verdict.KEPT]
_HEAD = ("VERDICT", "SUBJECT", "PROMISE", "FOUND")


def lines(checks: Iterable[Check]) -> Iterator[str]:
    """Yield the table, differences first, then what to do about them, and last a count."""
    ordered = sorted(checks, key=lambda check: (_ORDER.index(check.verdict), check.subject))
    rows = [_HEAD, *((str(check.verdict), check.subject, check.promise, check.found) for check in ordered)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        yield "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3]])
    remedies: dict[str, set[str]] = {}
    for check in ordered:
        if check.verdict is not Verdict.KEPT:
            remedies.setdefault(check.remedy, set()).add(check.subject)
    for remedy, subjects in remedies.items():
        yield f"To mend {', '.join(sorted(subjects))}: {remedy}"
    yield summary(ordered)


def summary(checks: Iterable[Check]) -> str:
    """Return the count in one sentence."""
    counts = _counts(checks)
    total = sum(counts.values())
    if counts[Verdict.KEPT] == total:
        return f"{total} promises checked, all kept."
    return (f"{total} promises: {counts[Verdict.DIFFERS]} differ, {counts[Verdict.NOT_CHECKED]} not checked, "
            f"{counts[Verdict.KEPT]} kept.")


def differing(checks: Iterable[Check]) -> list[str]:
    """Return a line for each promise that is not kept; what could not be checked is none of them."""
    return [f"{check.subject}: {check.found} (promised: {check.promise})" for check in checks
            if check.verdict is Verdict.DIFFERS]


def are_kept(checks: Iterable[Check]) -> bool:
    """Tell whether every promise was checked and is kept."""
    return all(check.verdict is Verdict.KEPT for check in checks)


def as_json(stack: str, checks: Iterable[Check]) -> str:
    """Return one JSON document for programs."""
    checks = tuple(checks)
    return json.dumps({
        "stack": stack, "kept": are_kept(checks),
        "counts": {verdict.value: count for verdict, count in _counts(checks).items()},
        "checks": [{"subject": check.subject, "promise": check.promise, "found": check.found,
                    "verdict": check.verdict.value, "remedy": check.remedy} for check in checks],
    }, indent=2, ensure_ascii=False)


def _counts(checks: Iterable[Check]) -> dict[Verdict, int]:
    verdicts = [check.verdict for check in checks]
    return {verdict: verdicts.count(verdict) for verdict in _ORDER}
