import unicodedata

import bcrypt
import pytest

from panel.accounts import passwords
from panel.accounts.errors import AccountError

PEPPER = "pepper of the tests"


@pytest.mark.parametrize("password", [
    "x9-Kq" * 3, "korrekt pferd batterie", "گذرواژه‌ای که کسی نمی‌داند", "длинная фраза без смысла",
    "一二三四五六七八九十甲乙丙丁戊", " " * 7 + "spaces stay" + " " * 7, "password is not the whole of this one",
    "q" * 7 + "\0" * 7 + "z9zz", "a b c " * 170,
])
def test_any_characters_make_a_password_of_15_to_1024(password: str) -> None:
    passwords.check(password, "ann")
    kept = passwords.hashed(PEPPER, password)
    assert passwords.matches(PEPPER, password, kept)
    assert not passwords.matches(PEPPER, password + "x", kept)
    assert not passwords.matches(PEPPER, password[:-1], kept)


@pytest.mark.parametrize(("password", "rule"), [
    ("", "has 0 characters"), ("fourteen chars", "has 14 characters"), ("x" * 1025, "has 1025 characters"),
    ("123456789012345", "tried first"), ("passwordpassword", "tried first"), ("Password1234567", "tried first"),
    ("qwertyqwertyqwerty!!", "tried first"), ("1q2w3e4r5t6y7u8i", "tried first"), ("manchesterunited", "tried first"),
    ("ann-2024-2025-2026", "tried first"), ("AnnAnnAnnAnnAnn", "tried first"), ("...............", "tried first"),
    ("111111111111111", "tried first"),
])
def test_what_is_too_short_or_tried_first_is_refused(password: str, rule: str) -> None:
    with pytest.raises(AccountError, match=rule) as refused:
        passwords.check(password, "ann")
    assert refused.value.field == "password"


def test_nothing_beyond_72_bytes_is_cut_off() -> None:
    start = "a" * 72
    kept = passwords.hashed(PEPPER, start + "one")
    assert passwords.matches(PEPPER, start + "one", kept)
    assert not passwords.matches(PEPPER, start + "two", kept)


def test_a_long_password_is_not_the_start_of_a_plain_hash() -> None:
    plain = bcrypt.hashpw(b"a" * 72, bcrypt.gensalt(4)).decode()
    assert passwords.matches(PEPPER, "a" * 72, plain)
    assert not passwords.matches(PEPPER, "a" * 73, plain)


def test_the_same_text_of_another_keyboard_is_the_same_password() -> None:
    composed = "Ångström unit of length"
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    assert passwords.matches(PEPPER, decomposed, passwords.hashed(PEPPER, composed))


def test_half_a_character_is_wrong_and_no_fault() -> None:
    assert not passwords.matches(PEPPER, "\ud800" * 15, passwords.hashed(PEPPER, "x" * 15))


def test_the_cost_is_the_one_that_is_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert passwords.COST == 12
    assert "$2b$12$" in passwords.hashed(PEPPER, "x" * 15)


def test_given_passwords_are_taken_and_never_the_same() -> None:
    made = {passwords.given() for _ in range(100)}
    assert len(made) == 100
    for password in made:
        passwords.check(password, "ann")


def test_the_list_has_the_three_thousand_most_common() -> None:
    assert len(passwords._common()) >= 3000
    assert {"123456", "password", "dragon"} <= passwords._common()
