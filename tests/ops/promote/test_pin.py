import json
from pathlib import Path

import pytest

from ops.errors import OperatorError
from ops.promote.pin import Pin, name_of, short
from tests.ops.promote.sets import PIN, identity


def test_a_set_is_kept_sorted_and_comes_back_whole(tmp_path: Path) -> None:
    text = PIN.document()
    (tmp_path / "promotions").mkdir()
    (tmp_path / name_of("staging")).write_text(text)
    assert Pin.read("staging", tmp_path) == PIN
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert text.count("\n") > 20, "a line for each value, so that a review shows what is another one"
    assert text.endswith("}\n")


def test_a_set_that_nobody_has_written_names_the_command_that_does(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"promotions/staging.json is not there.*Write it with `ops pin staging`"):
        Pin.read("staging", tmp_path)


@pytest.mark.parametrize(("before", "after"), [
    ('"format": 1', '"format": 2'), ('"logLevel": "INFO"', '"logLevel": "DEBUG"'), (identity(1), "stealth-vpn/x:local"),
    ('"commit"', '"comit"'), ('"source"', '"sauce"'), ("{", "[")])
def test_a_set_that_was_changed_by_hand_is_refused(before: str, after: str) -> None:
    assert before in PIN.document()
    with pytest.raises(OperatorError, match=r"the pinned set is no such file .* Write it anew with `ops pin STACK`"):
        Pin.parse(PIN.document().replace(before, after, 1))


def test_a_list_is_no_set() -> None:
    with pytest.raises(OperatorError, match="is no such file"):
        Pin.parse("[]")


def test_people_compare_the_first_digits() -> None:
    assert short("sha256:0123456789abcdef") == "0123456789ab"
    assert short("") == "none"
