"""What an attacker tries at the panel's sessions and forms; each is refused."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy import select, update

from panel import PanelConfig
from panel.accounts import tokens
from panel.accounts.sessions import COOKIE
from panel.audit import PANEL
from panel.store.accounts import Account, SignIn
from panel.store.database import Database
from tests.admin import people, through_caddy
from tests.admin.panel_file import PATH
from tests.admin.people import PASSWORD, Browser, browser

LOGIN = f"{PATH}/login"


def with_cookie(app: Flask, word: str) -> Browser:
    """Return the browser of who has got hold of a session's word."""
    thief = browser(app, "198.51.100.66")
    thief.client.set_cookie(COOKIE, word, domain=through_caddy.HOST)
    return thief


def word_of(somebody: Browser) -> str:
    cookie = somebody.client.get_cookie(COOKIE, through_caddy.HOST)
    assert cookie is not None
    return cookie.value


def age(database: Database, **columns: timedelta) -> None:
    """Let every session be older."""
    with database.write() as session:
        session.execute(update(SignIn).values(
            {name: getattr(SignIn, name) for name in columns} | {
                name: datetime.now(UTC) - span for name, span in columns.items()}))


def test_a_session_is_dead_after_the_sign_out(owner: Browser, app: Flask) -> None:
    thief = with_cookie(app, word_of(owner))
    assert thief.get("/account").status_code == 200
    assert owner.post("/logout").headers["Location"] == LOGIN
    assert thief.get("/account").status_code == 303
    assert owner.get("/account").status_code == 303


def test_nobody_is_signed_out_by_a_link(owner: Browser) -> None:
    assert owner.get("/logout").status_code == 404
    assert owner.get("/account").status_code == 200


@pytest.mark.parametrize(("columns", "status"), [
    ({"seen_at": timedelta(seconds=3590)}, 200), ({"seen_at": timedelta(seconds=3601)}, 303),
    ({"created_at": timedelta(hours=11, minutes=59)}, 200), ({"created_at": timedelta(hours=12, seconds=1)}, 303),
])
def test_a_session_ends_when_idle_and_after_twelve_hours(
    owner: Browser, database: Database, columns: dict[str, timedelta], status: int,
) -> None:
    age(database, **columns)
    assert owner.get("/account").status_code == status


def test_a_session_in_use_does_not_end(owner: Browser, database: Database) -> None:
    for _ in range(3):
        age(database, seen_at=timedelta(seconds=3000))
        assert owner.get("/account").status_code == 200


def test_an_open_page_that_refreshes_itself_does_not_keep_a_session(owner: Browser, database: Database) -> None:
    age(database, seen_at=timedelta(seconds=3000))
    assert owner.get("/account", headers={"Sec-Fetch-Dest": "empty"}).status_code == 200
    with database.read() as session:
        seen_at = session.scalars(select(SignIn.seen_at)).one()
    assert datetime.now(UTC) - seen_at > timedelta(seconds=2900)


def test_another_password_ends_all_other_sessions(owner: Browser, app: Flask) -> None:
    other = browser(app)
    other.sign_in("owner")
    owner.post("/account/password", {"password": PASSWORD, "new_password": PASSWORD + "!", "repeated": PASSWORD + "!"})
    assert (owner.get("/account").status_code, other.get("/account").status_code) == (200, 303)


def test_one_session_can_be_ended_from_another_and_nobody_elses(
    owner: Browser, reader: Browser, app: Flask, database: Database,
) -> None:
    other = browser(app)
    other.sign_in("owner")
    with database.read() as session:
        rows = {row.id_hash: row.account_id for row in session.scalars(select(SignIn))}
        of_owner = session.scalars(select(Account.id).where(Account.username == "owner")).one()
    for id_hash in [one for one, account_id in rows.items() if account_id == of_owner]:
        reader.post(f"/account/sessions/{id_hash}/end")
    assert owner.get("/account").status_code == 200, "a reader ended an owner's session"
    current = hashlib.sha256(word_of(owner).encode()).hexdigest()
    for id_hash in [one for one, account_id in rows.items() if account_id == of_owner and one != current]:
        owner.post(f"/account/sessions/{id_hash}/end")
    assert (owner.get("/account").status_code, other.get("/account").status_code) == (200, 303)


@pytest.mark.parametrize("attack", [
    {"headers": {"Sec-Fetch-Site": "cross-site"}}, {"headers": {"Sec-Fetch-Site": "same-site"}},
    {"headers": {"Sec-Fetch-Site": "none"}}, {"headers": {"Sec-Fetch-Site": None, "Origin": "https://attacker.example"}},
    {"headers": {"Sec-Fetch-Site": None, "Origin": "null"}}, {"headers": {"Sec-Fetch-Site": None}},
    {"form": ""}, {"form": None}, {"form": "IjEyMyI.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"}, {"form": "of another"},
])
def test_a_write_that_our_own_page_has_not_sent_is_refused(
    owner: Browser, app: Flask, attack: dict[str, dict[str, str | None] | str | None],
) -> None:
    shown = attack.get("form", owner.token("/account/password"))
    form = {"csrf_token": browser(app).token("/login") if shown == "of another" else shown}
    client = owner.client
    for name, value in (attack.get("headers") or {}).items():  # type: ignore[union-attr] # a table of two kinds
        key = "HTTP_" + name.upper().replace("-", "_")
        client.environ_base = {**client.environ_base, key: value} if value else {
            kept: said for kept, said in client.environ_base.items() if kept != key}
    for path in ("/logout", "/account/password", "/accounts/new"):
        assert client.post(PATH + path, data=form).status_code == 400
    client.environ_base = through_caddy.client(app).environ_base
    assert owner.get("/account").status_code == 200


def test_a_browser_that_names_its_origin_only_is_taken_at_its_word(owner: Browser) -> None:
    token = owner.token("/account/password")
    owner.client.environ_base = {
        key: value for key, value in owner.client.environ_base.items() if key != "HTTP_SEC_FETCH_SITE"}
    answer = owner.client.post(f"{PATH}/logout", data={"csrf_token": token}, headers={"Origin": through_caddy.SITE})
    assert answer.status_code == 303


def test_the_sign_in_itself_wants_a_token_of_its_form(app: Flask, database: Database) -> None:
    people.add(database, "ann")
    answer = through_caddy.client(app).post(LOGIN, data={"username": "ann", "password": PASSWORD})
    assert answer.status_code == 400


def test_a_token_of_the_api_makes_no_cookie_good(owner: Browser) -> None:
    answer = owner.client.post(f"{PATH}/logout", headers={"Authorization": "Bearer svp_" + "a" * 43})
    assert answer.status_code == 401
    assert owner.get("/account").status_code == 200


@pytest.mark.parametrize("path", ["/login", "/account", "/nothing"])
def test_another_host_is_not_ours(owner: Browser, path: str) -> None:
    for host in ("attacker.example", "www.example.com.attacker.example", "example.com", "172.20.0.10", "127.0.0.1",
                 "localhost", "www.example.com@attacker.example", "", "[::1]", "www.example.com, attacker.example"):
        answer = owner.get(path, headers={"Host": host})
        assert (host, answer.status_code, answer.text) == (host, 404, "Not Found\n")


def test_our_own_name_is_ours_in_any_spelling(owner: Browser) -> None:
    hosts = ("www.example.com", "WWW.example.com", "www.example.com:8443")
    assert [owner.get("/account", headers={"Host": host}).status_code for host in hosts] == [200, 200, 200]


def test_an_address_that_a_client_names_itself_is_not_believed(app: Flask, config: PanelConfig) -> None:
    stranger = FlaskClient(app, app.response_class)
    stranger.environ_base = {"REMOTE_ADDR": "172.20.0.99", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}
    seen = []

    @app.before_request
    def note() -> None:
        seen.append(request.remote_addr)
    stranger.get(f"{PATH}/static/panel.css", base_url=through_caddy.SITE, buffered=True)
    through_caddy.client(app, "10.0.0.1, 203.0.113.9").get(f"{PATH}/static/panel.css", buffered=True)
    assert seen == ["172.20.0.99", "203.0.113.9"]


def test_fields_that_a_form_does_not_have_change_nothing(owner: Browser, database: Database) -> None:
    more = {"role": "owner", "is_disabled": "1", "id": "99", "totp_secret": "A" * 32, "must_change_password": "1"}
    owner.post("/accounts/new", {"username": "eve", "role": "reader", "password": PASSWORD} | {
        key: value for key, value in more.items() if key != "role"})
    owner.post("/account/password", {
        "password": PASSWORD, "new_password": PASSWORD + "!", "repeated": PASSWORD + "!", "username": "root"} | more)
    with database.read() as session:
        accounts = {one.username: one for one in session.scalars(select(Account))}
    assert set(accounts) == {"owner", "eve"}
    assert (accounts["eve"].role, accounts["eve"].is_disabled, accounts["eve"].totp_secret) == ("reader", False, None)
    assert (accounts["owner"].totp_secret, accounts["owner"].must_change_password) == (None, False)


def test_a_reader_makes_no_account_whatever_is_sent(reader: Browser, database: Database) -> None:
    answer = reader.post("/accounts/new", {"username": "eve", "role": "owner", "password": PASSWORD})
    assert answer.status_code == 403
    with database.read() as session:
        assert [account.username for account in session.scalars(select(Account))] == ["reader"]


@pytest.mark.parametrize("path", [
    "/static/../config.py", "/static/%2e%2e/config.py", "/static/..%2f..%2fserve.py", "/static//etc/passwd",
    "/account/sessions/..%2f..%2fx/end", "/accounts/../../etc/passwd", "/static/%00", "/static/..\\config.py",
])
def test_no_path_leads_out_of_the_folder(owner: Browser, path: str) -> None:
    answer = owner.get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text


def test_another_accounts_token_is_not_removed_by_its_number(
    owner: Browser, reader: Browser, database: Database,
) -> None:
    with database.write() as session:
        account = session.scalars(select(Account).where(Account.username == "owner")).one()
        tokens.create(session, PANEL, account.id, "mine", ["users:read"], 1)
        number = tokens.of_account(session, account.id)[0].id
    reader.post(f"/account/tokens/{number}/delete")
    with database.read() as session:
        assert [token.id for token in tokens.of_account(session, account.id)] == [number]
    owner.post(f"/account/tokens/{number}/delete")
    with database.read() as session:
        assert tokens.of_account(session, account.id) == []
