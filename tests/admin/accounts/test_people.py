import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from panel import PanelConfig, audit
from panel.accounts import people as service
from panel.accounts import tokens
from panel.accounts.access import OWN, PASSWORD, ROLES, SCOPES, Identity
from panel.accounts.credentials import Credentials, Proof
from panel.accounts.errors import AccountError, UnknownAccountError, WrongProofError
from panel.store.accounts import Account, AuditEntry, SignIn, Token
from panel.store.database import Database
from tests.admin import people, through_caddy
from tests.admin.panel_file import PASSWORD_PEPPER, PATH
from tests.admin.people import Browser, browser

ACTOR = audit.Actor(name="owner", address="203.0.113.7")


@pytest.fixture
def ann(database: Database) -> Account:
    return people.add(database, "ann")


def accounts(database: Database) -> dict[str, Account]:
    with database.read() as session:
        return {account.username: account for account in session.scalars(select(Account))}


def do(database: Database, act: Callable[..., Any], *arguments: Any) -> Any:
    with database.write() as session:
        return act(session, ACTOR, *arguments)


def test_roles_are_what_is_promised() -> None:
    assert ROLES["reader"] == {"users:read", "server:read"}
    assert ROLES["operator"] == ROLES["reader"] | {"users:write", "audit:read"}
    assert ROLES["owner"] == set(SCOPES)


def test_an_owner_makes_an_account_whose_password_is_shown_once(
    owner: Browser, app: Flask, database: Database,
) -> None:
    page = owner.post("/accounts/new", {"username": "bob", "role": "operator", "password": people.PASSWORD}).text
    given = re.findall(r'id="given" value="([^"]+)"', page)[0]
    assert given not in owner.get("/accounts").text
    bob = browser(app)
    assert bob.sign_in("bob", given).status_code == 303
    assert bob.get("/account").headers["Location"] == f"{PATH}/account/password"
    assert accounts(database)["bob"].role == "operator"


@pytest.mark.parametrize("username", ["", "1bob", "bob bob", "b" * 65, "bob\n", "böb", "../bob", "<b>", "ANN"])
def test_a_name_that_is_none_or_taken_is_refused_at_its_field(
    ann: Account, database: Database, username: str,
) -> None:
    with pytest.raises(AccountError) as refused:
        do(database, service.create, PASSWORD_PEPPER, username, "reader")
    assert refused.value.field == "username"
    assert list(accounts(database)) == ["ann"]


@pytest.mark.parametrize("username", ["ops", "panel", "Ops", "PANEL"])
def test_no_account_gets_a_name_of_the_audit_log_s_own(
    ann: Account, owner: Browser, database: Database, username: str,
) -> None:
    with pytest.raises(AccountError, match="The audit log calls the command line and the panel itself so") as refused:
        do(database, service.create, PASSWORD_PEPPER, username, "reader")
    assert refused.value.field == "username"
    page = owner.post("/accounts/new", {"username": username, "role": "reader", "password": people.PASSWORD}).text
    assert f"take another name than {username}" in page
    assert list(accounts(database)) == ["ann", "owner"]


def test_an_account_that_has_such_a_name_already_stays_and_is_warned_of(
    owner: Browser, app: Flask, database: Database, config: PanelConfig, caplog: pytest.LogCaptureFixture,
) -> None:
    people.add(database, "Ops", "operator")
    people.add(database, "opsy", "operator")
    assert browser(app).sign_in("Ops").status_code == 303
    with database.write() as session:
        service.start(session, config)
    told = [line.getMessage() for line in caplog.records if line.name == service.__name__]
    assert len(told) == 1
    assert "Account Ops is called as the audit log calls" in told[0]
    assert "what Ops does there cannot be told from it" in owner.get("/accounts").text
    assert "what opsy does" not in owner.get("/accounts").text


def test_a_role_that_does_not_exist_is_refused(database: Database) -> None:
    with pytest.raises(AccountError, match="role is none of reader, operator, owner"):
        do(database, service.create, PASSWORD_PEPPER, "bob", "root")


@pytest.mark.parametrize("act", [
    lambda session, actor, number: service.change_role(session, actor, number, "operator"),
    lambda session, actor, number: service.switch(session, actor, number, False), service.delete,
])
def test_the_last_owner_stays_one(ann: Account, database: Database, act: Callable[..., Any]) -> None:
    people.add(database, "off", is_disabled=True)
    people.add(database, "bob", "operator")
    with pytest.raises(AccountError, match="No owner would be left who can sign in"):
        do(database, act, ann.id)
    assert (accounts(database)["ann"].role, accounts(database)["ann"].is_disabled) == ("owner", False)


@pytest.mark.parametrize("act", [
    lambda session, actor, number: service.change_role(session, actor, number, "operator"),
    lambda session, actor, number: service.switch(session, actor, number, False), service.delete,
])
@pytest.mark.parametrize(("left", "is_refused"), [
    (timedelta(seconds=-1), True), (timedelta(minutes=1), False), (None, False)])
def test_an_owner_whose_given_password_has_ended_is_none_that_is_left(
    ann: Account, database: Database, act: Callable[..., Any], left: timedelta | None, is_refused: bool,
) -> None:
    people.add(database, "new", must_change_password=left is not None,
               password_expires_at=None if left is None else datetime.now(UTC) + left)
    if is_refused:
        with pytest.raises(AccountError, match="No owner would be left who can sign in"):
            do(database, act, ann.id)
        do(database, service.reset, PASSWORD_PEPPER, accounts(database)["new"].id)
    do(database, act, ann.id)


def test_where_no_owner_can_sign_in_the_others_can_be_changed_and_one_made_an_owner(database: Database) -> None:
    number = people.add(database, "new", must_change_password=True, password_expires_at=datetime.now(UTC)).id
    bob = people.add(database, "bob", "reader").id
    do(database, service.change_role, bob, "operator")
    do(database, service.switch, bob, False)
    do(database, service.switch, bob, True)
    do(database, service.change_role, bob, "owner")
    do(database, service.delete, number)
    assert list(accounts(database)) == ["bob"]


def test_a_role_holds_from_the_next_request_on(owner: Browser, reader: Browser, database: Database) -> None:
    assert reader.get("/accounts").status_code == 403
    owner.post(f"/accounts/{accounts(database)['reader'].id}", {"action": "owner", "password": people.PASSWORD})
    assert reader.get("/accounts").status_code == 200
    owner.post(f"/accounts/{accounts(database)['reader'].id}", {"action": "reader", "password": people.PASSWORD})
    assert reader.get("/accounts").status_code == 403


def test_a_disabled_account_is_out_at_once_and_its_tokens_too(
    owner: Browser, reader: Browser, database: Database,
) -> None:
    number = accounts(database)["reader"].id
    token = do(database, tokens.create, number, "script", ["users:read"], 1)
    assert tokens.identify(database, token, "") is not None
    owner.post(f"/accounts/{number}", {"action": "disable", "password": people.PASSWORD})
    assert reader.get("/account").status_code == 303
    owner.post(f"/accounts/{number}", {"action": "enable", "password": people.PASSWORD})
    assert reader.get("/account").status_code == 303
    assert tokens.identify(database, token, "") is None


def test_without_the_password_an_owner_changes_no_account(owner: Browser, ann: Account, database: Database) -> None:
    for action in ("reader", "disable", "reset", "delete"):
        answer = owner.post(f"/accounts/{ann.id}", {"action": action, "password": "wrong"})
        assert answer.status_code == 200
    left = accounts(database)["ann"]
    assert (left.role, left.is_disabled, left.password_hash) == ("owner", False, ann.password_hash)


def test_a_reset_gives_a_password_and_takes_second_factor_sessions_and_tokens(
    owner: Browser, app: Flask, database: Database,
) -> None:
    bob = people.add(database, "bob", "reader", totp_secret="A" * 32, recovery_hashes=["x"], is_disabled=True)
    people.begin(database, bob, "h")
    do(database, tokens.create, bob.id, "script", ["users:read"], 1)
    given = do(database, service.reset, PASSWORD_PEPPER, bob.id)
    after = accounts(database)["bob"]
    assert (after.totp_secret, after.recovery_hashes, after.is_disabled) == (None, [], False)
    assert after.must_change_password
    with database.read() as session:
        assert session.scalars(select(SignIn).where(SignIn.account_id == bob.id)).all() == []
        assert session.scalars(select(Token)).all() == []
    assert browser(app).sign_in("bob", given).status_code == 303
    assert browser(app).sign_in("bob").status_code == 403


def test_who_was_deleted_leaves_what_they_did(owner: Browser, ann: Account, database: Database) -> None:
    do(database, service.change_role, ann.id, "reader")
    owner.post(f"/accounts/{ann.id}", {"action": "delete", "password": people.PASSWORD})
    assert list(accounts(database)) == ["owner"]
    with database.read() as session:
        assert "ann" in session.scalars(select(AuditEntry.target)).all()


def test_an_account_that_is_gone_is_told_and_no_fault(owner: Browser) -> None:
    answer = owner.get("/accounts/999")
    assert answer.headers["Location"] == f"{PATH}/accounts"
    assert "does not exist any more" in owner.get("/accounts").text


@pytest.fixture
def credentials(app: Flask) -> Credentials:
    found: Credentials = app.extensions["accounts"].credentials
    return found


@pytest.mark.parametrize(("way", "proof", "fault"), [
    ("token", Proof(password=people.PASSWORD), AccountError), ("session", None, AccountError),
    ("session", Proof(password="wrong"), WrongProofError),  # noqa: S106 - of the test
    ("session", Proof(password=people.PASSWORD), None), ("local", None, None),
])
def test_one_function_changes_credentials_and_asks_each_way_in_for_its_proof(
    credentials: Credentials, ann: Account, database: Database, way: Any, proof: Proof | None,
    fault: type[AccountError] | None,
) -> None:
    people.begin(database, ann, "h")
    who = Identity(actor=ACTOR, scopes=frozenset(SCOPES) | {OWN, PASSWORD}, way=way, account=ann, session_hash="h")

    def act(session: Session) -> str:
        return service.reset(session, ACTOR, PASSWORD_PEPPER, ann.id)

    if fault is None:
        assert len(credentials.change(who, proof, act)) == 24
    else:
        with pytest.raises(fault):
            credentials.change(who, proof, act)
        assert accounts(database)["ann"].password_hash == ann.password_hash


def test_a_token_is_shown_once_and_opens_what_it_is_for(owner: Browser, app: Flask, database: Database) -> None:
    page = owner.post("/account/tokens/new", {
        "name": "script", "scopes": ["users:read"], "days": "7", "password": people.PASSWORD}).text
    token = re.findall(r'id="token" value="(svp_[\w-]{43})"', page)[0]
    assert token not in owner.get("/account").text
    with database.read() as session:
        kept = session.scalars(select(Token)).one()
    assert token not in (kept.hash, kept.name)
    client = through_caddy.client(app)
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get(f"{PATH}/api/v1/users", headers=headers).status_code == 200
    assert client.post(f"{PATH}/api/v1/users", headers=headers, json={"name": "ali"}).status_code == 403
    assert client.get(f"{PATH}/account", headers=headers).status_code == 403
    assert client.get(f"{PATH}/api/v1/users", headers={"Authorization": f"Bearer {token}x"}).status_code == 401
    found = tokens.identify(database, token, "198.51.100.1")
    assert found is not None
    assert found.actor == audit.Actor(name="token script of owner", address="198.51.100.1")


@pytest.mark.parametrize(("role", "scopes"), [
    ("owner", ["accounts:write"]), ("reader", ["users:write"]), ("owner", [OWN]), ("owner", [PASSWORD]),
    ("owner", []), ("owner", ["users:read", "everything"]),
])
def test_no_token_may_more_than_its_account_or_change_accounts(
    database: Database, role: str, scopes: list[str],
) -> None:
    account = people.add(database, "bob", role)
    with pytest.raises(AccountError, match="token has no scope"):
        do(database, tokens.create, account.id, "script", scopes, 1)


@pytest.mark.parametrize(("name", "days", "field"), [("", 1, "name"), ("x" * 65, 1, "name"), ("a\nb", 1, "name"),
                                                      ("x", 0, "days"), ("x", 366, "days"), ("x", -1, "days")])
def test_a_token_has_a_name_and_an_end(ann: Account, database: Database, name: str, days: int, field: str) -> None:
    with pytest.raises(AccountError) as refused:
        do(database, tokens.create, ann.id, name, ["users:read"], days)
    assert refused.value.field == field


def test_a_token_loses_what_its_account_loses_and_ends_in_time(ann: Account, database: Database) -> None:
    people.add(database, "other")
    token = do(database, tokens.create, ann.id, "script", ["users:read", "users:write"], 1)
    do(database, service.change_role, ann.id, "reader")
    found = tokens.identify(database, token, "")
    assert found is not None
    assert found.scopes == {"users:read"}
    with database.write() as session:
        session.scalars(select(Token)).one().expires_at = datetime.now(UTC) - timedelta(seconds=1)
    assert tokens.identify(database, token, "") is None


def test_a_name_is_found_or_the_fault_says_so(ann: Account, database: Database) -> None:
    with database.read() as session:
        assert service.by_name(session, "ann").id == ann.id
        with pytest.raises(UnknownAccountError, match="Account eve does not exist"):
            service.by_name(session, "eve")


def test_scopes_of_sessions_are_of_no_token() -> None:
    assert not {OWN, PASSWORD} & set(SCOPES)
