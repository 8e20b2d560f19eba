"""The verdicts for a terminal, and as a table in a document."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from components.version import version

from .verdicts import HELD, Verdict

BEGIN, END = "<!-- scorecard -->", "<!-- end of scorecard -->"


def lines(verdicts: Sequence[Verdict]) -> list[str]:
    """Return a line for each row with what failed below it, and a last one that counts."""
    shown = [line for verdict in verdicts for line in (
        f"{verdict.row.number:>3}  {verdict.word:<13} {verdict.passed:>5} tests {verdict.seconds:>7.0f} s  "
        f"{verdict.row.promise}", *(f"     {fault}" for fault in verdict.faults))]
    held = sum(verdict.word == HELD for verdict in verdicts)
    return [*shown, f"{held} of {len(verdicts)} promises held."]


def table(file: Path, verdicts: Sequence[Verdict]) -> None:
    """Put a table in place of the one between a document's marks; raises ValueError where there are none."""
    text = file.read_text()
    rows = [f"| {verdict.row.number} | {verdict.row.promise} | {verdict.word} | {verdict.passed} | "
            f"{verdict.row.scaled or verdict.row.missing} |" for verdict in verdicts]
    made = "\n".join([
        BEGIN, f"{datetime.now(UTC):%Y-%m-%d}, version {version(Path())}", "",
        "| # | promise | verdict | tests passed | less than promised |", "|---|---|---|---|---|", *rows, END])
    changed, count = re.subn(f"{BEGIN}.*{END}", lambda _: made, text, flags=re.S)
    if count != 1:
        raise ValueError(f"{file} has no place for the scorecard: it begins with {BEGIN} and ends with {END}")
    file.write_text(changed)
