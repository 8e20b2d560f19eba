"""What a run of pytest says of each row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as Xml

from .scorecard import Row

HELD, BROKEN, NOT_RUN, NONE = "held", "BROKEN", "NOT RUN", "no experiment"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Of one test."""

    name: str
    """As pytest calls it, such as tests/a/test_b.py::test_c[d]."""

    kind: str
    """passed, failed or skipped."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Of one row."""

    row: Row
    word: str
    passed: int
    seconds: float
    faults: tuple[str, ...]
    """Names of the tests that failed, or of what the row names and nothing came of."""

    @property
    def is_good(self) -> bool:
        """Whether nothing is to be done about it: a row without an experiment says itself what is."""
        return self.word in {HELD, NONE}


def outcomes(files: Iterable[Path]) -> list[Outcome]:
    """Read what pytest has written (--junitxml, xunit2: a test's module is its class)."""
    return [Outcome(name=_name(case), kind=_kind(case), seconds=float(case.get("time", 0)))
            for file in files if file.exists() for case in Xml.parse(file).iter("testcase")]  # noqa: S314 - our own file


def judge(row: Row, found: Sequence[Outcome]) -> Verdict:
    """Say whether a row holds: none of its tests failed, and of each that it names at least one passed."""
    own = [outcome for outcome in found if any(is_of(outcome.name, wanted) for wanted in row.tests)]
    passed = [outcome for outcome in own if outcome.kind == "passed"]
    failed = tuple(outcome.name for outcome in own if outcome.kind == "failed")
    silent = tuple(wanted for wanted in row.tests if not any(is_of(outcome.name, wanted) for outcome in passed))
    word = NONE if not row.tests else BROKEN if failed else NOT_RUN if silent else HELD
    return Verdict(row=row, word=word, passed=len(passed), seconds=sum(outcome.seconds for outcome in own),
                   faults=failed or silent)


def is_of(name: str, wanted: str) -> bool:
    """Tell whether a test is one of those that a row names by folder, file, function or case."""
    return name == wanted or any(name.startswith(f"{wanted}{joint}") for joint in ("/", "::", "["))


def _name(case: Xml.Element) -> str:
    # A class within the module is the last part, and is written like one.
    parts = case.get("classname", "").split(".")
    depth = next((index for index, part in enumerate(parts) if part.startswith("test_")), len(parts) - 1) + 1
    return "::".join(["/".join(parts[:depth]) + ".py", *parts[depth:], case.get("name", "")])


def _kind(case: Xml.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"
