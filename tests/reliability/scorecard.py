"""The rows of the scorecard, from scorecard.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Row:
    """One promise."""

    number: int
    promise: str
    tests: tuple[str, ...] = ()
    """Names for pytest: a folder, a file, a function of it, or one of its cases."""

    scaled: str = ""
    """In what the experiment is less than the promise; empty if in nothing."""

    missing: str = ""
    """Why there is no experiment."""


def _read(file: Path) -> tuple[Row, ...]:
    return tuple(Row(**{**entry, "tests": tuple(entry.get("tests", ()))})
                 for entry in tomllib.loads(file.read_text())["row"])


ROWS = _read(Path(__file__).with_suffix(".toml"))
