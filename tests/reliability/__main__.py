"""Runs the scorecard's experiments, and says what came of each row.

    .venv/bin/python -m tests.reliability [--row NUMBER]... [--minutes N] [--write FILE]

Exit code 1 when a promise was broken or its experiment was not finished in time.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .report import lines, table
from .scorecard import ROWS, Row
from .verdicts import judge, outcomes

# Of the usual choice nothing is left out, and the long cases are in.
_ALL = ("-q", "-m", "", "-p", "no:cacheprovider")
_LAST_WORDS_SECONDS = 60


def commands(rows: Sequence[Row], folder: Path) -> dict[Path, list[str]]:
    """Return what must be run, by the file that it writes; tests with a server of their own take turns on machines."""
    wanted = dict.fromkeys(test for row in rows for test in row.tests)
    served = [test for test in wanted if test.startswith("tests/e2e/")]
    others = [test for test in wanted if test not in served]
    words = {folder / "others.xml": ([sys.executable, "-m", "pytest", "--numprocesses", "2"], others),
             folder / "served.xml": ([sys.executable, "-m", "tests.e2e.machines"], served)}
    return {file: [*program, *_ALL, "--junitxml", str(file), *tests] for file, (program, tests) in words.items()
            if tests}


def run(words: Sequence[str], seconds: float) -> None:
    """Run one of them, and interrupt it at the end of its time, so that it writes what it has."""
    process = subprocess.Popen(words, start_new_session=True)
    try:
        process.wait(max(seconds, 1))
    except subprocess.TimeoutExpired:
        print(f"The time is over after {seconds:.0f} s; what was not reached is told.", flush=True)
        _end(process)
    except KeyboardInterrupt:
        _end(process)
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(_LAST_WORDS_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def main() -> int:
    """Run what was asked for; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", type=int, action="append", choices=[row.number for row in ROWS], metavar="NUMBER")
    parser.add_argument("--minutes", type=float, default=58)
    parser.add_argument("--write", type=Path, metavar="FILE", help="Put the table between the marks of this file.")
    asked = parser.parse_args()
    rows = [row for row in ROWS if not asked.row or row.number in asked.row]
    end = time.monotonic() + asked.minutes * 60
    with tempfile.TemporaryDirectory(prefix="reliability") as made:
        wanted = commands(rows, Path(made))
        for words in wanted.values():
            run(words, end - time.monotonic())
        verdicts = [judge(row, outcomes(wanted)) for row in rows]
    print("\n".join(lines(verdicts)))
    if asked.write:
        table(asked.write, verdicts)
    return 0 if all(verdict.is_good for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
