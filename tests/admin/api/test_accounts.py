"""Accounts by the API: what the server's own program may do, what owners prove, and what no token gets."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from panel.accounts import access, tokens
from panel.audit import PANEL
from panel.store.accounts import Account, Token
from panel.store.database import Database
from tests.admin import people, through_caddy
from tests.admin.api.conftest import Api
from tests.admin.panel_file import PATH
from tests.admin.people import PASSWORD, Browser, browser

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - of the tests
PROOF = {"password": PASSWORD}
NEW = {"username": "eve", "role": "owner"}


@pytest.fixture
def ann(database: Database) -> Account:
    return people.add(database, "ann")


def by_session(somebody: Browser, method: str, path: str, body: dict[str, Any]) -> Any:
    """Return what the API answers a session that proves by the page's token that our own page asks."""
    return somebody.client.open(f"{PATH}/api/v1{path}", method=method, json=body,
                                headers={"X-CSRFToken": somebody.token("/account/password")})


def usernames(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Account.username).order_by(Account.username)))


def test_an_account_comes_with_a_password_changes_and_goes(api: Api, ann: Account, app: Flask) -> None:
    given = api("POST", "/accounts", {"username": "bob", "role": "reader"}, status=201)
    path = f"/accounts/{given['account']['id']}"
    assert browser(app).sign_in("bob", given["password"]).status_code == 303
    shown = api("GET", path)
    assert (shown["role"], shown["must_change_password"], shown["has_second_factor"]) == ("reader", True, False)
    assert [account["username"] for account in api("GET", "/accounts")] == ["ann", "bob"]
    assert api("PATCH", path, {"role": "operator", "is_disabled": True}) == shown | {
        "role": "operator", "is_disabled": True}
    again = api("POST", f"{path}/reset")
    assert again["account"]["is_disabled"] is False
    assert again["password"] not in (given["password"], json.dumps(api("GET", path)))
    api("DELETE", path, status=204)
    api("GET", path, status=404)


def test_no_answer_holds_a_secret_of_an_account(api: Api, ann: Account, database: Database) -> None:
    with database.write() as session:
        account = session.merge(ann)
        account.totp_secret, account.recovery_hashes = SECRET, ["a hash of a code on paper"]
        made = tokens.create(session, PANEL, ann.id, "backup", ["users:read"], 1)
    answers = [api.raw("GET", path).text for path in ("/accounts", f"/accounts/{ann.id}", f"/accounts/{ann.id}/tokens")]
    assert "backup" in answers[2]
    assert '"has_second_factor":true' in answers[1].replace(" ", "")
    for secret in (SECRET, ann.password_hash, "a hash of a code", made, tokens._hash(made)):
        assert secret not in "".join(answers)


@pytest.mark.parametrize("body", [{"role": "reader"}, {"is_disabled": True}, None])
def test_the_last_owner_stays_one(api: Api, ann: Account, body: dict[str, Any] | None) -> None:
    api("POST", "/accounts", {"username": "bob", "role": "operator"}, status=201)
    answer = api("DELETE" if body is None else "PATCH", f"/accounts/{ann.id}", body, status=422)
    assert answer["errors"]["json"]["_schema"][0].startswith("No owner would be left who can sign in; make another ")
    assert api("GET", f"/accounts/{ann.id}")["role"] == "owner"


def test_of_two_changes_at_once_none_is_made_if_one_is_refused(api: Api, ann: Account) -> None:
    bob = api("POST", "/accounts", {"username": "bob", "role": "owner"}, status=201)["account"]
    api("PATCH", f"/accounts/{bob['id']}", {"is_disabled": True})
    api("PATCH", f"/accounts/{ann.id}", {"role": "owner", "is_disabled": True}, status=422)
    assert api("GET", f"/accounts/{ann.id}")["is_disabled"] is False


def test_two_owners_do_not_take_each_other_s_role_away_at_the_same_moment(api: Api, database: Database) -> None:
    numbers = [people.add(database, name).id for name in ("ann", "bob")]
    for _ in range(10):
        together = Barrier(2)

        def demote(number: int, together: Barrier = together) -> int:
            together.wait(10)
            return int(api.raw("PATCH", f"/accounts/{number}", {"role": "reader"}).status_code)

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(demote, numbers)) == [200, 422]
        for number in numbers:
            api("PATCH", f"/accounts/{number}", {"role": "owner"})


@pytest.mark.parametrize(("method", "path", "body", "field"), [
    ("POST", "/accounts", NEW | {"id": 1}, "id"), ("POST", "/accounts", NEW | {"password_hash": "x"}, "password_hash"),
    ("POST", "/accounts", NEW | {"must_change_password": False}, "must_change_password"),
    ("POST", "/accounts", NEW | {"totp_secret": "A" * 32}, "totp_secret"),
    ("POST", "/accounts", NEW | {"role": "root"}, "role"),
    ("POST", "/accounts", NEW | {"username": "../x"}, "username"),
    ("POST", "/accounts", NEW | {"username": "ANN"}, "username"),
    ("POST", "/accounts", NEW | {"username": "OPS"}, "username"), ("POST", "/accounts", {"role": "owner"}, "username"),
    ("PATCH", "/accounts/1", {"username": "root"}, "username"), ("PATCH", "/accounts/1", {"password": "x"}, "password"),
    ("PATCH", "/accounts/1", {"totp_secret": None}, "totp_secret"), ("PATCH", "/accounts/1", {"role": None}, "role"),
    ("POST", "/accounts/1/reset", {"password": "chosen"}, "password"),
    ("DELETE", "/accounts/1", {"force": True}, "force"),
    ("POST", "/accounts/1/tokens", {"name": "x", "scopes": ["accounts:write"]}, "scopes"),
    ("POST", "/accounts/1/tokens", {"name": "x", "scopes": ["account:own"]}, "scopes"),
    ("POST", "/accounts/1/tokens", {"name": "x", "scopes": []}, "scopes"),
    ("POST", "/accounts/1/tokens", {"name": "", "scopes": ["users:read"]}, "name"),
    ("POST", "/accounts/1/tokens", {"name": "x", "scopes": ["users:read"], "days": 366}, "days"),
    ("POST", "/accounts/1/tokens", {"name": "x", "scopes": ["users:read"], "hash": "x"}, "hash"),
    ("POST", "/accounts/1/tokens", {"name": "x", "scopes": ["users:read"], "account_id": 1}, "account_id")])
def test_what_may_not_be_said_is_refused_by_its_field_and_changes_nothing(
    api: Api, ann: Account, database: Database, method: str, path: str, body: dict[str, Any], field: str,
) -> None:
    before = api("GET", "/accounts")
    answer = api(method, path, body, status=422)
    assert set(answer["errors"]["json"]) == {field}
    assert api("GET", "/accounts") == before
    assert api("GET", "/accounts/1/tokens") == []


def test_a_token_is_shown_once_is_limited_by_its_account_and_is_revoked(
    api: Api, database: Database, app: Flask,
) -> None:
    number = people.add(database, "bob", "reader").id
    path = f"/accounts/{number}/tokens"
    api("POST", path, {"name": "x", "scopes": ["users:write"]}, status=422)
    made = api("POST", path, {"name": "backup", "scopes": ["users:read"], "days": 1}, status=201)
    stranger = through_caddy.client(app)
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert stranger.get(f"{PATH}/api/v1/users", headers=headers).status_code == 200
    assert api("GET", path)[0]["used_at"]
    assert made["token"] not in api.raw("GET", path).text
    api("DELETE", f"/accounts/{people.add(database, 'eve').id}/tokens/{made['id']}", status=404)
    api("DELETE", f"{path}/{made['id']}", status=204)
    assert stranger.get(f"{PATH}/api/v1/users", headers=headers).status_code == 401


def test_a_token_with_every_scope_that_tokens_have_makes_neither_tokens_nor_accounts(
    ann: Account, app: Flask, database: Database,
) -> None:
    with database.write() as session:
        made = tokens.create(session, PANEL, ann.id, "stolen", access.TOKEN_SCOPES, 1)
    thief = through_caddy.client(app)
    asked: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "/accounts", None), ("GET", "/accounts/1", None), ("GET", "/accounts/1/tokens", None),
        ("POST", "/accounts", NEW), ("POST", "/accounts", NEW | {"proof": PROOF}),
        ("PATCH", "/accounts/1", {"role": "reader", "proof": PROOF}), ("POST", "/accounts/1/reset", {}),
        ("DELETE", "/accounts/1", {}), ("DELETE", "/accounts/1/tokens/1", None),
        ("POST", "/accounts/1/tokens", {"name": "x", "scopes": ["users:read"], "proof": PROOF})]
    for method, path, body in asked:
        answer = thief.open(f"{PATH}/api/v1{path}", method=method, json=body,
                            headers={"Authorization": f"Bearer {made}"})
        assert answer.status_code == 403, (method, path)
    assert usernames(database) == ["ann"]
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Token)) == 1


def test_an_owner_s_session_proves_each_change_once_more(owner: Browser, database: Database) -> None:
    proofs: list[dict[str, Any] | None] = [None, {"password": "wrong"}, {}, PROOF | {"is_right": True}]
    bodies: list[dict[str, Any]] = [dict(NEW), *({**NEW, "proof": proof} for proof in proofs)]
    for body in bodies:
        assert by_session(owner, "POST", "/accounts", body).status_code == 422, body
    assert usernames(database) == ["owner"]
    assert by_session(owner, "POST", "/accounts", NEW | {"proof": PROOF}).status_code == 201
    assert usernames(database) == ["eve", "owner"]


def test_the_proof_has_a_code_where_there_is_a_second_factor(app: Flask, database: Database) -> None:
    people.add(database, "owner", totp_secret=SECRET)
    owner = browser(app)
    owner.sign_in("owner")
    owner.post("/login/code", {"code": people.code(SECRET, -1)})
    assert by_session(owner, "POST", "/accounts", NEW | {"proof": PROOF}).status_code == 422
    used = PROOF | {"code": people.code(SECRET, -1)}
    assert by_session(owner, "POST", "/accounts", NEW | {"proof": used}).status_code == 422, "a code served twice"
    fresh = PROOF | {"code": people.code(SECRET)}
    assert by_session(owner, "POST", "/accounts", NEW | {"proof": fresh}).status_code == 201


def test_who_guesses_proofs_is_slowed_down(owner: Browser) -> None:
    answers = [by_session(owner, "DELETE", "/accounts/1", {"proof": {"password": f"guess {number}"}})
               for number in range(5)]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert "wait" in answers[-1].get_json()["message"]


def test_nobody_makes_a_token_that_stands_in_the_log_as_somebody_else_s(owner: Browser, database: Database) -> None:
    number = people.add(database, "ann").id
    body = {"name": "x", "scopes": ["users:read"], "proof": PROOF}
    assert by_session(owner, "POST", f"/accounts/{number}/tokens", body).status_code == 403
    assert by_session(owner, "POST", "/accounts/1/tokens", body).status_code == 201


@pytest.mark.parametrize("role", ["reader", "operator"])
def test_no_other_role_gets_anything_here(role: str, request: pytest.FixtureRequest, database: Database) -> None:
    somebody: Browser = request.getfixturevalue(role)
    assert somebody.get("/api/v1/accounts").status_code == 403
    assert by_session(somebody, "PATCH", "/accounts/1", {"role": "owner", "proof": PROOF}).status_code == 403
    assert by_session(somebody, "POST", "/accounts", NEW | {"proof": PROOF}).status_code == 403
    assert usernames(database) == [role]
