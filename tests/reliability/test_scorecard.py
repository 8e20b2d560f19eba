"""The scorecard names tests that there are, and its verdicts cannot be better than what they say."""

import ast
import re
from pathlib import Path

import pytest

from tests.reliability.__main__ import commands
from tests.reliability.report import BEGIN, END, lines, table
from tests.reliability.scorecard import ROWS, Row
from tests.reliability.verdicts import BROKEN, HELD, NONE, NOT_RUN, Outcome, judge, outcomes

ROW = Row(number=1, promise="It holds.", tests=("tests/a/test_b.py::test_c", "tests/d"))
JUNIT = """<testsuites><testsuite>
<testcase classname="tests.a.test_b" name="test_c[1-x.y]" time="1.5"/>
<testcase classname="tests.d.test_e.TestF" name="test_g" time="2"><failure message="no"/></testcase>
<testcase classname="tests.d.test_e" name="test_h" time="0"><skipped/></testcase>
<testcase classname="tests.d.test_e" name="test_i" time="0"><error/></testcase>
</testsuite></testsuites>"""


def passed(*names: str, kind: str = "passed") -> list[Outcome]:
    return [Outcome(name=name, kind=kind, seconds=1) for name in names]


def test_each_row_has_a_number_of_its_own_and_an_experiment_or_a_reason() -> None:
    assert [row.number for row in ROWS] == list(range(1, 29))
    assert [row.number for row in ROWS if bool(row.tests) == bool(row.missing)] == []


@pytest.mark.parametrize("wanted", [test for row in ROWS for test in row.tests])
def test_what_a_row_names_is_there(wanted: str) -> None:
    path, _, function = wanted.partition("::")
    assert Path(path).exists()
    if function:
        tree = ast.parse(Path(path).read_text())
        assert re.sub(r"\[.*", "", function) in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_what_pytest_has_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_text(JUNIT)
    found = outcomes([tmp_path / "x.xml", tmp_path / "never-written.xml"])
    assert [(outcome.name, outcome.kind) for outcome in found] == [
        ("tests/a/test_b.py::test_c[1-x.y]", "passed"), ("tests/d/test_e.py::TestF::test_g", "failed"),
        ("tests/d/test_e.py::test_h", "skipped"), ("tests/d/test_e.py::test_i", "failed")]


@pytest.mark.parametrize(("found", "word"), [
    (passed("tests/a/test_b.py::test_c[1]", "tests/d/test_e.py::test_f"), HELD),
    ([*passed("tests/a/test_b.py::test_c", "tests/d/test_e.py::test_f"),
      *passed("tests/d/test_e.py::test_g", kind="failed")], BROKEN),
    (passed("tests/a/test_b.py::test_c"), NOT_RUN),
    (passed("tests/a/test_b.py::test_cd", "tests/d/test_e.py::test_f"), NOT_RUN),
    ([*passed("tests/a/test_b.py::test_c"), *passed("tests/d/test_e.py::test_f", kind="skipped")], NOT_RUN),
    ([], NOT_RUN)])
def test_a_row_holds_only_if_all_that_it_names_was_run_and_nothing_failed(found: list[Outcome], word: str) -> None:
    verdict = judge(ROW, found)
    assert (verdict.word, verdict.is_good) == (word, word == HELD)


def test_a_row_without_an_experiment_is_no_promise_that_held() -> None:
    verdict = judge(Row(number=1, promise="It holds.", missing="Nobody can."), passed("tests/a/test_b.py::test_c"))
    assert (verdict.word, verdict.passed) == (NONE, 0)
    assert lines([verdict])[-1] == "0 of 1 promises held."


def test_what_failed_or_was_not_reached_is_named() -> None:
    assert "     tests/d" in lines([judge(ROW, passed("tests/a/test_b.py::test_c"))])


def test_each_test_is_run_once_and_those_with_a_server_on_their_machines(tmp_path: Path) -> None:
    shared = "tests/e2e/test_x.py"
    made = commands([Row(number=1, promise="", tests=(shared, "tests/a")), Row(number=2, promise="", tests=(shared,))],
                    tmp_path)
    assert [words[-1] for words in made.values()] == ["tests/a", shared]
    assert [sum(words.count(test) for words in made.values()) for test in (shared, "tests/a")] == [1, 1]
    assert all(words[words.index("-m", 3) + 1] == "" for words in made.values()), "long ones are left out"


def test_a_table_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    file = tmp_path / "x.md"
    file.write_text(f"before\n{BEGIN}\nof last year\n{END}\nafter\n")
    for _ in range(2):
        table(file, [judge(ROW, [])])
    text = file.read_text()
    assert (text.count("| 1 | It holds. | NOT RUN | 0 |"), "of last year" in text) == (1, False)
    assert (text.partition("\n")[0], text.rpartition(END)[2]) == ("before", "\nafter\n")
    file.write_text("no marks")
    with pytest.raises(ValueError, match="has no place"):
        table(file, [])
