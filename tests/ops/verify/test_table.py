import json

from ops.verify import table
from ops.verify.checks import Verdict, judged, unchecked

KEPT = judged("stealth-xray", "has a memory limit", [], "never said")
DIFFERS = judged("rogue", "was made by the deploy", ["nobody promised it"], "Remove it.")
UNSEEN = unchecked("ports", "who listens", "no program `ss` there", "Install iproute2.")


def test_what_differs_comes_first_then_what_to_do_and_last_a_count() -> None:
    lines = list(table.lines([KEPT, UNSEEN, DIFFERS]))
    assert [line.split("  ")[0] for line in lines[:4]] == ["VERDICT", "differs", "not checked", "kept"]
    assert lines[4:] == ["To mend rogue: Remove it.", "To mend ports: Install iproute2.",
                         "3 promises: 1 differ, 1 not checked, 1 kept."]
    assert lines[1].split("  ")[-1] == "nobody promised it"


def test_only_kept_promises_are_counted_as_such() -> None:
    assert table.summary([KEPT, KEPT]) == "2 promises checked, all kept."
    assert table.are_kept([KEPT])
    assert not table.are_kept([KEPT, UNSEEN])
    assert not table.are_kept([KEPT, DIFFERS])


def test_programs_get_the_same_as_json() -> None:
    found = json.loads(table.as_json("local", [KEPT, DIFFERS, UNSEEN]))
    assert (found["stack"], found["kept"]) == ("local", False)
    assert found["counts"] == {verdict.value: 1 for verdict in Verdict}
    assert found["checks"][1] == {"subject": "rogue", "promise": "was made by the deploy", "verdict": "differs",
                                  "found": "nobody promised it", "remedy": "Remove it."}
    assert found["checks"][0]["remedy"] == ""


def test_what_differs_is_told_in_lines_and_what_could_not_be_checked_is_not() -> None:
    assert table.differing([KEPT, UNSEEN, DIFFERS]) == ["rogue: nobody promised it (promised: was made by the deploy)"]
