import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panel.users.errors import UserError
from panel.users.text import NAME_LENGTH, checked_name, checked_note, folded, name_key


@pytest.mark.parametrize("name", [
    "alice", "Zoë", "O'Brien", "Anna-Lena Weiß", "علی", "می‌خواهم", "Иван Петров", "李小龍", "alice@example.com",
    "7", "phone #2 (old)", "👨‍👩‍👧 family", "x" * NAME_LENGTH,
])
def test_names_of_people_in_any_script_are_kept_as_they_are(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(("name", "fault"), [
    ("", "0 characters; use 1 to 64"),
    ("   ", "0 characters; use 1 to 64"),
    ("x" * 65, "65 characters; use 1 to 64"),
    ("\ufdfa" * 64, "64 characters"),
    ("al\x00ice", r"U\+0000"),
    ("alice\nbob", r"U\+000A"),
    ("alice\u202egpj", r"U\+202E"),
    ("alice\u2066", r"U\+2066"),
    ("ali\u200bce", r"U\+200B"),
    ("\ud800x", r"U\+D800"),
    ("x\ue000", r"U\+E000"),
    ("x\u2028y", r"U\+2028"),
    ("x\u00a0y", r"U\+00A0"),
    ("../../etc/passwd", r"U\+002F"),
    ("a\\b", r"U\+005C"),
    ("..", "neither letter nor digit"),
    ("🙂", "neither letter nor digit"),
    (7, "no text"),
    (None, "no text"),
])
def test_a_name_that_hides_something_is_refused_with_what_to_do(name: object, fault: str) -> None:
    with pytest.raises(UserError, match=fault) as refused:
        checked_name(name)
    assert refused.value.field == "name"
    assert "; " in refused.value.sentence or "neither" in refused.value.sentence


def test_spaces_around_and_between_become_one() -> None:
    assert checked_name("  Anna   Lena ") == "Anna Lena"


@pytest.mark.parametrize(("one", "other"), [
    ("Alice", "ALICE"), ("Zoë", "ZOE\u0308"), ("Straße", "STRASSE"), ("ΣΟΦΟΣ", "σοφος"), ("\uff21\uff4c", "al"),
    ("می‌خواهم", "میخواهم"), ("ИВАН", "иван"),
])
def test_names_that_sound_and_look_alike_are_the_same(one: str, other: str) -> None:
    assert name_key(checked_name(one)) == name_key(checked_name(other))


def test_names_that_differ_by_more_are_not() -> None:
    assert len({name_key(name) for name in ("alice", "alíce", "alice2", "الیس", "\u0430lice")}) == 5


@settings(deadline=None)
@given(st.text(max_size=80))
def test_whatever_is_taken_for_a_name_can_be_shown_stored_and_said_again(text: str) -> None:
    try:
        name = checked_name(text)
    except UserError:
        return
    assert checked_name(name) == name == unicodedata.normalize("NFC", name)
    assert name.encode()
    assert not {unicodedata.category(character) for character in name} & {"Cc", "Cs", "Zl", "Zp"}
    assert folded(name_key(name)) == name_key(name)


def test_a_note_may_have_lines_but_nothing_invisible() -> None:
    assert checked_note(" pays\r\nmonthly\t€5 ") == "pays\nmonthly\t€5"
    for note in ("x\x00", "x\u202e", "\ud800", "x" * 1001, 7):
        with pytest.raises(UserError) as refused:
            checked_note(note)
        assert refused.value.field == "note"
