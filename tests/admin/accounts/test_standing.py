"""What was proven dies with what it was proven by, also when that changes in the middle of a request."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from panel import audit
from panel.accounts import own, passwords, sessions
from panel.accounts import people as service
from panel.accounts.access import SCOPES, Identity
from panel.accounts.credentials import Credentials, Proof
from panel.accounts.errors import AccountError, OutdatedProofError
from panel.accounts.sessions import COOKIE
from panel.accounts.sign_in import Door
from panel.store.accounts import Account, SignIn
from panel.store.database import Database
from tests.admin import people, through_caddy
from tests.admin.panel_file import PASSWORD_PEPPER, PATH
from tests.admin.people import PASSWORD, Browser, browser, code

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - of the tests
OTHER_PASSWORD = PASSWORD + "!"
ACTOR = audit.Actor(name="ann", address="203.0.113.7")

CHANGES: dict[str, Callable[[Session, Account], Any]] = {
    "another password": lambda session, ann: own.change_password(
        session, ACTOR, ann.id, PASSWORD_PEPPER, OTHER_PASSWORD, "h"),
    "another second factor": lambda session, ann: own.turn_on_second_factor(
        session, ACTOR, ann.id, PASSWORD_PEPPER, "K" * 32, code("K" * 32, 1), "h"),
    "no second factor": lambda session, ann: own.turn_off_second_factor(session, ACTOR, ann.id),
    "other codes on paper": lambda session, ann: own.renew_recovery_codes(session, ACTOR, ann.id, PASSWORD_PEPPER),
    "reset": lambda session, ann: service.reset(session, ACTOR, PASSWORD_PEPPER, ann.id),
    "disabled": lambda session, ann: service.switch(session, ACTOR, ann.id, False),
    "demoted": lambda session, ann: service.change_role(session, ACTOR, ann.id, "reader"),
}


@pytest.fixture
def ann(database: Database) -> Account:
    """An owner, beside another one, with a second factor."""
    people.add(database, "zoe")
    return people.add(database, "ann", totp_secret=SECRET)


@pytest.fixture
def credentials(app: Flask) -> Credentials:
    found: Credentials = app.extensions["accounts"].credentials
    return found


def change(database: Database, ann: Account, name: str) -> None:
    with database.write() as session:
        CHANGES[name](session, ann)


def meanwhile(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, act: Callable[[], Any]) -> None:
    """Let act happen once, after a function of where has done its work."""
    real, left = getattr(where, name), [act]

    def then(*arguments: Any, **options: Any) -> Any:
        done = real(*arguments, **options)
        if left:
            left.pop()()
        return done
    monkeypatch.setattr(where, name, then)


@pytest.mark.parametrize("name", CHANGES)
def test_a_sign_in_that_awaits_a_code_ends_with_each_change(
    ann: Account, app: Flask, database: Database, name: str,
) -> None:
    visitor = browser(app)
    visitor.sign_in("ann")
    assert visitor.get("/login/code").status_code == 200
    change(database, ann, name)
    assert visitor.get("/login/code").headers["Location"] == f"{PATH}/login"


@pytest.mark.parametrize("name", ["another password", "other codes on paper", "demoted", "disabled"])
def test_a_code_opens_nothing_if_the_change_came_in_the_middle_of_its_request(
    ann: Account, app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch, name: str,
) -> None:
    visitor = browser(app)
    visitor.sign_in("ann")
    token = visitor.token("/login/code")
    meanwhile(monkeypatch, Door, "_admit", lambda: change(database, ann, name))
    visitor.client.post(f"{PATH}/login/code", data={"csrf_token": token, "code": code(SECRET)})
    assert visitor.get("/account").status_code == 303


def proven(credentials: Credentials, ann: Account, shown: Proof) -> list[Session]:
    """Try to use a proof of ann's session, and return the transactions that it was good for."""
    used: list[Session] = []
    who = Identity(actor=ACTOR, scopes=frozenset(SCOPES), way="session", account=ann, session_hash="h")
    credentials.change(who, shown, used.append)
    return used


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize(("where", "function"), [(passwords, "matches"), (Door, "prove")])
def test_a_proof_dies_with_each_change_between_its_parts(
    credentials: Credentials, ann: Account, database: Database, monkeypatch: pytest.MonkeyPatch, name: str,
    where: Any, function: str,
) -> None:
    people.begin(database, ann, "h")
    meanwhile(monkeypatch, where, function, lambda: change(database, ann, name))
    with pytest.raises(OutdatedProofError):
        proven(credentials, ann, Proof(password=PASSWORD, code=code(SECRET)))


@pytest.mark.parametrize("function", ["matches", "prove"])
def test_a_proof_dies_with_its_session(
    credentials: Credentials, ann: Account, database: Database, monkeypatch: pytest.MonkeyPatch, function: str,
) -> None:
    def end() -> None:
        with database.write() as session:
            assert sessions.end_one(session, ann.id, "h")

    people.begin(database, ann, "h")
    meanwhile(monkeypatch, passwords if function == "matches" else Door, function, end)
    with pytest.raises(OutdatedProofError):
        proven(credentials, ann, Proof(password=PASSWORD, code=code(SECRET)))


def test_a_proof_by_a_code_on_paper_holds_although_the_code_is_used_up(
    credentials: Credentials, ann: Account, database: Database,
) -> None:
    with database.write() as session:
        paper = own.renew_recovery_codes(session, ACTOR, ann.id, PASSWORD_PEPPER)
    people.begin(database, ann, "h")
    with database.read() as session:
        ann = session.get_one(Account, ann.id)
    assert len(proven(credentials, ann, Proof(password=PASSWORD, code=paper[0]))) == 1
    with database.read() as session:
        ann = session.get_one(Account, ann.id)
    with pytest.raises(AccountError, match="not right"):
        proven(credentials, ann, Proof(password=PASSWORD, code=paper[0]))


@pytest.mark.parametrize("name", ["no second factor", "other codes on paper", "demoted"])
def test_a_second_factor_that_is_being_set_up_is_forgotten_in_every_session(
    ann: Account, database: Database, name: str,
) -> None:
    people.begin(database, ann, "h", new_totp_secret="K" * 32)
    people.begin(database, ann, "i", new_totp_secret="L" * 32)
    change(database, ann, name)
    with database.read() as session:
        assert session.scalars(select(SignIn.values)).all() == [{}, {}]


def test_who_has_the_word_of_the_session_is_out_after_a_change_and_its_own_browser_is_in(
    owner: Browser, app: Flask, database: Database,
) -> None:
    cookie = owner.client.get_cookie(COOKIE, through_caddy.HOST)
    assert cookie is not None
    thief = browser(app)
    thief.client.set_cookie(COOKIE, cookie.value, domain=through_caddy.HOST)
    assert thief.get("/account").status_code == 200
    owner.get("/account/second-factor")
    answer = owner.post("/account/password", {
        "password": PASSWORD, "new_password": OTHER_PASSWORD, "repeated": OTHER_PASSWORD})
    assert answer.status_code == 303
    assert (thief.get("/account").status_code, owner.get("/account").status_code) == (303, 200)
    with database.read() as session:
        assert len(session.scalars(select(SignIn)).all()) == 1
