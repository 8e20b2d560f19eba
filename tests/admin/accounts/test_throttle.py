import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import bcrypt
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from panel.accounts import passwords, second_factor, throttle
from panel.store.accounts import Throttle
from panel.store.database import Database
from tests.admin import people
from tests.admin.panel_file import PASSWORD_PEPPER, PATH
from tests.admin.people import PASSWORD, browser

TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - of the tests
START = datetime(2026, 1, 1, tzinfo=UTC)
HOME, AWAY = "203.0.113.7", "198.51.100.1"


class Clock:
    """Attempts on the throttle alone, at times that a test chooses."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.now = START

    def attempt(self, username: str = "ann", address: str = AWAY, is_known: bool = False) -> float:
        with self._database.write() as session:
            return throttle.admit(session, throttle.password_keys(username, address, is_known), self.now)[0]

    def passed(self, seconds: float, step: float, attempt: Any) -> int:
        """Return how many attempts are looked at in so many seconds, one being made every step."""
        count = 0
        for number in range(int(seconds / step)):
            self.now = START + timedelta(seconds=number * step)
            count += attempt(number) == 0
        return count


@pytest.fixture
def clock(database: Database) -> Clock:
    return Clock(database)


def test_pauses_double_up_to_a_minute_and_a_wrong_attempt_within_one_makes_it_no_longer(clock: Clock) -> None:
    pauses: list[float] = []
    for _ in range(11):
        assert clock.attempt() == 0
        pauses.append(max(clock.attempt() if pauses[1:] else 0 for _ in range(3)))
        clock.now += timedelta(seconds=pauses[-1])
    assert pauses == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_one_address_gets_few_attempts_in_an_hour_and_a_hundred_few_more_than_ten_a_minute(clock: Clock) -> None:
    assert clock.passed(3600, 5, lambda _: clock.attempt()) < 75
    tried = clock.passed(600, 2, lambda number: clock.attempt("bob", f"192.0.2.{number % 100}"))
    assert 50 < tried < 130


def test_a_stranger_waits_a_few_seconds_at_most_however_many_hammer_the_account(clock: Clock) -> None:
    for number in range(500):
        clock.now += timedelta(seconds=0.5)
        clock.attempt(address=f"192.0.2.{number % 250}")
    assert clock.attempt(address="203.0.113.200") <= 6


def test_a_known_address_does_not_notice(clock: Clock) -> None:
    for number in range(100):
        clock.now += timedelta(seconds=7)
        clock.attempt(address=f"192.0.2.{number % 50}")
    assert clock.attempt(address=HOME, is_known=True) == 0


@pytest.mark.parametrize(("one", "other", "are_one"), [
    ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True), ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ("198.51.100.1", "::ffff:198.51.100.1", True), ("198.51.100.1", "198.51.100.2", False), ("", "nonsense", True),
])
def test_an_ipv6_network_is_one_address(one: str, other: str, are_one: bool) -> None:
    assert (throttle.network(one) == throttle.network(other)) == are_one


def test_counts_are_forgotten_after_a_day_and_swept(clock: Clock, database: Database) -> None:
    for _ in range(8):
        clock.now += timedelta(seconds=70)
        clock.attempt()
    clock.now += timedelta(days=1, seconds=61)
    assert [clock.attempt() for _ in range(3)] == [0, 0, 0]
    with database.write() as session:
        throttle.sweep(session, clock.now + timedelta(days=2))
        assert session.scalar(select(func.count()).select_from(Throttle)) == 0


def test_a_clock_that_goes_back_locks_nobody_out(clock: Clock) -> None:
    for _ in range(20):
        clock.now += timedelta(seconds=70)
        clock.attempt()
    clock.now -= timedelta(days=1000)
    assert clock.attempt() <= 60


@given(st.text(max_size=200), st.text(max_size=60))
@settings(max_examples=50, deadline=None)
def test_any_name_and_address_make_keys_of_bounded_length(username: str, address: str) -> None:
    keys = {**throttle.password_keys(username, address, False), **throttle.code_keys(username, address, True, True),
            **throttle.proof_keys(username, "0" * 64)}
    assert max(map(len, keys)) <= 128


@dataclass
class Guesses:
    """What became of guesses at a password."""

    statuses: Counter[int]
    hashed: int
    """How many were looked at."""


def guess(app: Flask, count: int, monkeypatch: pytest.MonkeyPatch, threads: int = 1) -> Guesses:
    """Guess at ann's password from 100 addresses."""
    looked_at: list[str] = []
    real = passwords.matches

    def note(pepper: str, password: str, kept: str | None) -> bool:
        looked_at.append(password)
        return real(pepper, password, kept)

    monkeypatch.setattr(passwords, "matches", note)
    strangers = [browser(app, f"198.51.100.{number}") for number in range(100)]
    tokens = [stranger.token("/login") for stranger in strangers]

    def attempt(number: int) -> int:
        answer = strangers[number % 100].client.post(f"{PATH}/login", data={
            "csrf_token": tokens[number % 100], "username": "ann", "password": f"guess number {number}"})
        return int(answer.status_code)

    with ThreadPoolExecutor(threads) as pool:
        statuses = Counter(pool.map(attempt, range(count)))
    monkeypatch.setattr(passwords, "matches", real)
    return Guesses(statuses, len(looked_at))


def test_guesses_from_a_hundred_addresses_are_hardly_looked_at_and_the_owner_still_gets_in(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch,
) -> None:
    people.add(database, "ann")
    assert browser(app, HOME).sign_in("ann").status_code == 303
    guesses = guess(app, 200, monkeypatch)
    assert set(guesses.statuses) == {403, 429}
    assert guesses.hashed < 40
    assert browser(app, HOME).sign_in("ann").status_code == 303


@pytest.mark.integration
@pytest.mark.parametrize("number", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_many_guesses_at_full_cost_leave_the_panel_to_its_owner(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int,
) -> None:
    monkeypatch.setattr(passwords, "COST", 12)
    people.add(database, "ann")
    owner = browser(app, HOME)
    assert owner.sign_in("ann").status_code == 303
    seconds: list[float] = []
    with ThreadPoolExecutor(1) as flood:
        # As many at once as the server has threads.
        running = flood.submit(guess, app, number, monkeypatch, 4)
        while not running.done() and len(seconds) < 1000:
            began = time.monotonic()
            assert owner.get("/account").status_code == 200
            assert browser(app, HOME).sign_in("ann").status_code == 303
            seconds.append(time.monotonic() - began)
            time.sleep(1)
        guesses = running.result()
    with capsys.disabled():
        print(f"\n{number:,} guesses: {guesses.hashed} were looked at; the owner signed in {len(seconds)} times "
              f"meanwhile, in {max(seconds):.1f} s at most.")
    assert guesses.hashed < 200
    assert len(seconds) >= 2


def test_guesses_at_codes_are_slowed_down_to_a_few_an_hour_for_strangers(database: Database) -> None:
    now, looked_at = START, 0
    for number in range(720):
        with database.write() as session:
            keys = throttle.code_keys("ann", f"192.0.2.{number % 250}", False, False)
            looked_at += throttle.admit(session, keys, now + timedelta(seconds=5 * number))[0] == 0
    assert looked_at < 20


def test_guesses_at_codes_of_the_telephone_keep_no_owner_from_the_codes_on_paper(
    app: Flask, database: Database,
) -> None:
    ann = people.add(database, "ann", totp_secret=TOTP_SECRET)
    with database.write() as session:
        paper = second_factor.new_recovery_codes(PASSWORD_PEPPER, session.merge(ann))
    thief, owner = browser(app, AWAY), browser(app, "192.0.2.9")
    for somebody in (thief, owner):
        somebody.sign_in("ann")
    answers = [thief.post("/login/code", {"code": "000000"}).status_code for _ in range(8)]
    assert answers == [403] * 5 + [429] * 3
    assert owner.post("/login/code", {"code": people.code(TOTP_SECRET)}).status_code == 429
    assert owner.post("/login/code", {"code": paper[0]}).status_code == 303


def test_codes_on_paper_are_guessed_no_faster_than_passwords(clock: Clock, database: Database) -> None:
    def attempt(number: int) -> float:
        with database.write() as session:
            return throttle.admit(
                session, throttle.code_keys("ann", f"192.0.2.{number % 250}", False, True), clock.now)[0]
    assert clock.passed(600, 1, attempt) < 120


def test_who_has_session_and_password_guesses_codes_no_faster_than_at_the_sign_in(
    app: Flask, database: Database,
) -> None:
    people.add(database, "ann", totp_secret=TOTP_SECRET)
    thief = browser(app, HOME)
    thief.sign_in("ann")
    thief.post("/login/code", {"code": people.code(TOTP_SECRET, -1)})
    for _ in range(4):
        with database.write() as session:
            # The pauses of the session are over.
            session.execute(delete(Throttle).where(Throttle.key.like("proof:%")))
        assert "That is not right" in thief.post(
            "/account/recovery-codes", {"password": PASSWORD, "code": "000000"}).text
    other = browser(app, HOME)
    other.sign_in("ann")
    answers = [other.post("/login/code", {"code": "000000"}).status_code for _ in range(3)]
    assert answers == [403, 429, 429], "each place has counts of its own"


def test_a_thief_s_session_keeps_the_owner_s_from_a_proof_for_seconds_only(clock: Clock, database: Database) -> None:
    def attempt(session_hash: str) -> float:
        with database.write() as session:
            return throttle.admit(session, throttle.proof_keys("ann", session_hash), clock.now)[0]
    for _ in range(1000):
        clock.now += timedelta(seconds=1)
        attempt("a" * 64)
    assert attempt("a" * 64) > 6
    assert attempt("b" * 64) <= 6


def test_who_is_slowed_down_is_told_for_how_long(app: Flask, database: Database) -> None:
    visitor = browser(app)
    answers = [visitor.sign_in("nobody", "x") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [403, 403, 403, 429, 429]
    assert answers[3].headers["Retry-After"] == "1"
    assert "wait 1 seconds" in answers[3].text


def test_no_stranger_waits_for_another_ones_hash(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch,
) -> None:
    people.add(database, "ann")
    assert browser(app, HOME).sign_in("ann").status_code == 303
    is_hashing, may_end = threading.Event(), threading.Event()
    real = passwords.matches

    def slow(pepper: str, password: str, kept: str | None) -> bool:
        if password == "slow":  # noqa: S105 - of the test
            is_hashing.set()
            may_end.wait(10)
        return real(pepper, password, kept)

    monkeypatch.setattr(passwords, "matches", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: browser(app, AWAY).sign_in("ann", "slow").status_code)
        assert is_hashing.wait(10)
        assert browser(app, "192.0.2.9").sign_in("ann").status_code == 429
        assert browser(app, HOME).sign_in("ann").status_code == 303, "strangers block who is known"
        may_end.set()
        assert first.result() == 403


def test_a_session_alone_guesses_few_passwords(owner: people.Browser, database: Database) -> None:
    texts = [owner.post("/account/password", {"password": f"guess {number}", "new_password": PASSWORD + "!",
                                              "repeated": PASSWORD + "!"}).text for number in range(5)]
    assert ["There were too many attempts" in text for text in texts] == [False, False, False, True, True]


def test_time_does_not_tell_which_accounts_exist(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counts bcrypt's work, for that is all the time there is: clocks of a busy machine would not tell."""
    monkeypatch.setattr(passwords, "COST", 6)
    people.add(database, "ann")
    people.add(database, "off", is_disabled=True)
    people.add(database, "old", password_expires_at=START)
    first = people.add(database, "first")
    with database.write() as session:
        session.merge(first).password_hash = bcrypt.hashpw(b"given", bcrypt.gensalt(4)).decode()
    work: Counter[str] = Counter()

    def counting(real: Callable[[bytes, bytes], Any]) -> Callable[[bytes, bytes], Any]:
        def counted(password: bytes, salt: bytes) -> Any:
            work[name] += 2 ** int(salt.split(b"$")[2])
            return real(password, salt)
        return counted

    monkeypatch.setattr(bcrypt, "hashpw", counting(bcrypt.hashpw))
    monkeypatch.setattr(bcrypt, "checkpw", counting(bcrypt.checkpw))
    for name in ("ann", "off", "old", "first", "nobody"):
        assert browser(app, AWAY).sign_in(name, "wrong").status_code == 403
    assert work == dict.fromkeys(("ann", "off", "old", "first", "nobody"), 2**6)


@pytest.mark.integration
def test_no_clock_tells_which_accounts_exist(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(passwords, "COST", 8)
    monkeypatch.setattr(throttle, "admit", lambda *_: (0, 1))
    people.add(database, "ann")
    visitor = browser(app, AWAY)
    token = visitor.token("/login")
    seconds: dict[str, list[float]] = {"ann": [], "eve": []}
    # Mixed, so that whatever else the machine does, and each turn's effect on the next, meets both.
    for name in random.sample(("ann", "eve"), 600, counts=(300, 300)):
        began = time.perf_counter()
        answer = visitor.client.post(f"{PATH}/login", data={"csrf_token": token, "username": name, "password": "x"})
        seconds[name].append(time.perf_counter() - began)
        assert answer.status_code == 403
    slower = sum(one > other for one in seconds["ann"] for other in seconds["eve"]) / 300**2
    with capsys.disabled():
        print(f"\nA guess at an account that exists was the slower one in {slower:.1%} of the pairs.")
    # Mann and Whitney: by chance 50 %, with a standard deviation of 2.4 %.
    assert 0.42 < slower < 0.58
