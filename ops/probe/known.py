"""The table of known differences, read from docs/probe.md, so that it is told in one place."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from .compare import Difference

TABLE = Path(__file__).parents[2] / "docs" / "probe.md"
_ROW = re.compile(r"^\| `(?P<pattern>[^`]+)` \| (?P<fields>[^|]+) \| (?P<reason>[^|]+) \|$", re.M)


@dataclass(frozen=True, kw_only=True)
class Known:
    """One row: probes by a pattern of their names, the fields that may differ, and why they do."""

    pattern: str
    fields: frozenset[str]
    reason: str

    def explains(self, difference: Difference) -> bool:
        """Tell whether a difference is of this kind; one in another field is not."""
        return fnmatchcase(difference.probe.name, self.pattern) and set(difference.fields) <= self.fields


def read(text: str) -> list[Known]:
    """Return the rows of the document."""
    return [Known(pattern=row["pattern"], reason=row["reason"].strip(),
                  fields=frozenset(row["fields"].replace(",", " ").split())) for row in _ROW.finditer(text)]


def explanation(difference: Difference, rows: Sequence[Known]) -> Known | None:
    """Return the first row that explains a difference."""
    return next((row for row in rows if row.explains(difference)), None)
