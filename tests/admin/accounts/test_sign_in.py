import dataclasses
import re
from datetime import UTC, datetime, timedelta

import bcrypt
import pytest
from flask import Flask
from sqlalchemy import select

from panel import PanelConfig, audit, create_app
from panel.accounts import passwords, people
from panel.accounts.sessions import COOKIE
from panel.store.accounts import Account, AuditEntry, SignIn
from panel.store.database import Database
from tests.admin import people as somebody
from tests.admin import through_caddy
from tests.admin.panel_file import PATH, VALUES
from tests.admin.people import PASSWORD, Browser, browser

REFUSED = "That is not right"


@pytest.fixture
def ann(database: Database) -> Account:
    return somebody.add(database, "ann")


@pytest.fixture
def visitor(app: Flask) -> Browser:
    return browser(app)


def actions(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_a_password_opens_the_panel_and_the_cookie_is_as_safe_as_cookies_get(ann: Account, visitor: Browser) -> None:
    answer = visitor.sign_in("ann")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PATH}/")
    cookie = answer.headers["Set-Cookie"]
    assert re.fullmatch(rf"{COOKIE}=[\w-]{{43}}; Secure; HttpOnly; Path=/; SameSite=Strict", cookie)
    assert visitor.get("/account").status_code == 200


@pytest.mark.parametrize(("username", "password"), [
    ("ann", "wrong"), ("ann", PASSWORD + " "), ("Ann", PASSWORD), ("nobody", PASSWORD), ("ann\0", PASSWORD),
    ("ann' OR '1'='1", PASSWORD), ("ann", "x" * 1024), ("ann", "\u00e9"),
])
def test_all_that_is_wrong_is_answered_alike(ann: Account, visitor: Browser, username: str, password: str) -> None:
    answer = visitor.sign_in(username, password)
    assert answer.status_code == 403
    assert REFUSED in answer.text
    assert visitor.get("/account").status_code == 303


def test_a_disabled_account_is_answered_as_one_that_does_not_exist(database: Database, visitor: Browser) -> None:
    somebody.add(database, "bob", is_disabled=True)
    answers = [re.sub(r'value="[^"]*"', "", visitor.sign_in(name).text) for name in ("bob", "nobody")]
    assert REFUSED in answers[0]
    assert answers[0] == answers[1]


def test_the_page_does_not_say_the_password_again(ann: Account, visitor: Browser) -> None:
    assert "correct-horse-battery" not in visitor.sign_in("ann", "correct-horse-battery").text


def test_a_sign_in_makes_another_session_than_the_one_before(ann: Account, visitor: Browser) -> None:
    visitor.get("/login")
    before = visitor.client.get_cookie(COOKIE, through_caddy.HOST)
    visitor.sign_in("ann")
    after = visitor.client.get_cookie(COOKIE, through_caddy.HOST)
    assert before is not None
    assert after is not None
    assert before.value != after.value


def test_a_word_that_an_attacker_has_chosen_is_not_taken_for_the_session(ann: Account, visitor: Browser) -> None:
    visitor.client.set_cookie(COOKIE, "a" * 43, domain=through_caddy.HOST)
    visitor.sign_in("ann")
    attacker = browser(visitor.client.application)
    attacker.client.set_cookie(COOKIE, "a" * 43, domain=through_caddy.HOST)
    assert attacker.get("/account").status_code == 303


def test_the_store_has_no_word_of_a_cookie(ann: Account, visitor: Browser, database: Database) -> None:
    visitor.sign_in("ann")
    cookie = visitor.client.get_cookie(COOKIE, through_caddy.HOST)
    assert cookie is not None
    with database.read() as session:
        row = session.scalars(select(SignIn)).one()
        assert cookie.value not in (row.id_hash, str(row.values))


def test_strangers_who_look_at_the_sign_in_write_nothing_into_the_store(visitor: Browser, database: Database) -> None:
    for _ in range(5):
        browser(visitor.client.application).get("/login")
    with database.read() as session:
        assert session.scalars(select(SignIn)).all() == []


def test_pages_without_a_form_set_no_cookie(visitor: Browser) -> None:
    answers = [visitor.get("/nothing"), visitor.get("/static/panel.css", buffered=True), visitor.client.get("/health")]
    assert [answer.headers.get("Set-Cookie") for answer in answers] == [None, None, None]


def test_who_had_to_sign_in_first_comes_to_the_page_that_was_asked_for(ann: Account, app: Flask) -> None:
    visitor = browser(app)
    led = visitor.get("/audit?text=a%2Fb&page=2").headers["Location"].removeprefix(PATH)
    assert visitor.sign_in("ann", path=led).headers["Location"] == f"{PATH}/audit?text=a%2Fb&page=2"


def test_the_way_back_leads_below_the_secret_path_only(ann: Account, app: Flask) -> None:
    for wanted, led in (
        ("users/17?page=2&text=a%20b", "/users/17?page=2&text=a%20b"), ("", "/"), ("account", "/account"),
        ("//attacker.example", "/"), ("/\\attacker.example", "/"), ("https://attacker.example", "/"),
        ("../../x", "/"), ("javascript:alert(1)", "/"), ("x\r\nSet-Cookie: a=b", "/"), ("@attacker.example", "/"),
        ("%2f%2fattacker.example", "/"), ("%252e%252e/x", "/"), ("users/%2e%2e/x", "/"), ("users/..", "/"),
        ("./x", "/"), ("users//x", "/"), ("users/", "/"), ("/users", "/"), ("users\n", "/"), ("users\t", "/"),
        ("users?a=\x7f", "/"),
        ("users?a=%zz", "/"), ("users#x", "/"), ("us\\ers", "/"), ("\u2044users", "/"), ("users?" + "a" * 2000, "/"),
        ("?span=week", "/?span=week"), ("audit?text=%D8%B9/%252e&page=2", "/audit?text=%D8%B9/%252e&page=2"),
    ):
        visitor = browser(app)
        answer = visitor.client.post(f"{PATH}/login", query_string={"next": wanted}, data={
            "csrf_token": visitor.token("/login"), "username": "ann", "password": PASSWORD})
        assert (wanted, answer.headers["Location"]) == (wanted, PATH + led)


def test_who_is_signed_in_is_led_on_from_the_sign_in(owner: Browser) -> None:
    assert owner.get("/login").headers["Location"] == f"{PATH}/"


def test_the_first_accounts_password_is_the_deployments_and_opens_nothing_but_its_own_change(
    database: Database, config: PanelConfig, app: Flask,
) -> None:
    given = "Zq7-generated-by-the-deployment"
    plain = bcrypt.hashpw(given.encode(), bcrypt.gensalt(4)).decode()
    first = PanelConfig(**{**vars(config), "admin_password_hash": plain})
    with database.write() as session:
        people.start(session, first)
    visitor = browser(app)
    assert visitor.sign_in("admin", given + "x").status_code == 403
    assert visitor.sign_in("admin", given).status_code == 303
    for path in ("/account", "/accounts"):
        assert visitor.get(path).headers["Location"] == f"{PATH}/account/password"
    assert visitor.get("/account/password").status_code == 200
    changed = visitor.post("/account/password", {
        "password": given, "new_password": PASSWORD, "repeated": PASSWORD})
    assert changed.headers["Location"] == f"{PATH}/account"
    assert visitor.get("/accounts").status_code == 200
    assert browser(app).sign_in("admin", given).status_code == 403
    assert browser(app).sign_in("admin", PASSWORD).status_code == 303


def test_a_second_start_makes_no_second_account_and_changes_none(database: Database, config: PanelConfig) -> None:
    for password_hash in (config.admin_password_hash, "$2b$10$" + "x" * 53):
        with database.write() as session:
            people.start(session, PanelConfig(**{**vars(config), "admin_password_hash": password_hash}))
    with database.read() as session:
        account = session.scalars(select(Account)).one()
        assert account.password_hash == VALUES["adminPasswordHash"]
        assert (account.role, account.must_change_password) == ("owner", True)


def test_a_given_password_ends_after_fourteen_days(database: Database, visitor: Browser) -> None:
    now = datetime.now(UTC)
    somebody.add(database, "early", must_change_password=True, password_expires_at=now + timedelta(minutes=1))
    somebody.add(database, "late", must_change_password=True, password_expires_at=now - timedelta(seconds=1))
    assert [visitor.sign_in(name).status_code for name in ("late", "early")] == [403, 303]
    with database.write() as session:
        given = people.create(session, audit.PANEL, "pepper of the tests", "new", "reader")[0]
        assert given.password_expires_at is not None
        assert timedelta(days=13) < given.password_expires_at - now < timedelta(days=15)


def test_sign_ins_stand_in_the_audit_log_and_tell_of_new_addresses(
    ann: Account, app: Flask, database: Database,
) -> None:
    for address in ("203.0.113.7", "203.0.113.7", "2001:db8::1", "2001:db8::2"):
        browser(app, address).sign_in("ann")
    with database.read() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(entry.actor, entry.address, entry.detail) for entry in entries] == [
        ("ann", "203.0.113.7", {"new_address": True}), ("ann", "203.0.113.7", {"new_address": False}),
        ("ann", "2001:db8::1", {"new_address": True}), ("ann", "2001:db8::2", {"new_address": False})]


def test_a_password_in_the_field_of_the_name_is_written_down_nowhere(
    ann: Account, visitor: Browser, database: Database, caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(4):
        visitor.sign_in("my-secret-password", "x")
    assert "sign-in.attempts" in actions(database)
    with database.read() as session:
        assert session.scalars(select(AuditEntry.target).distinct()).all() == ["an unknown account"]
    assert "my-secret-password" not in caplog.text


def test_a_hash_tells_nothing_of_the_password_and_is_never_the_same_twice() -> None:
    one, other = (passwords.hashed("pepper", PASSWORD) for _ in range(2))
    assert one != other
    assert passwords.matches("pepper", PASSWORD, one)
    assert not passwords.matches("another pepper", PASSWORD, one)
    assert not bcrypt.checkpw(PASSWORD.encode(), one.removeprefix("hmac-sha256:").encode())


def test_a_former_pepper_s_hash_opens_the_panel_and_is_hashed_anew(
    config: PanelConfig, database: Database, ann: Account,
) -> None:
    overlapping = dataclasses.replace(config, password_pepper="p" * 32, former_password_pepper=config.password_pepper)
    after = dataclasses.replace(config, password_pepper="p" * 32)
    assert browser(create_app(after, database)).sign_in("ann").status_code == 403
    there = browser(create_app(overlapping, database))
    assert there.sign_in("ann", PASSWORD + "x").status_code == 403
    assert there.sign_in("ann").status_code == 303
    assert browser(create_app(after, database)).sign_in("ann").status_code == 303
    with database.read() as session:
        kept = session.scalars(select(Account.password_hash)).one()
    assert passwords.matches("p" * 32, PASSWORD, kept)
    assert browser(create_app(overlapping, database)).sign_in("ann").status_code == 303
    with database.read() as session:
        assert session.scalars(select(Account.password_hash)).one() == kept, "it is hashed anew once"


def test_while_there_are_two_peppers_every_refusal_takes_as_long(
    config: PanelConfig, database: Database, ann: Account, monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[str] = []
    real = passwords.matches

    def remember(pepper: str, password: str, kept: str | None) -> bool:
        tried.append(pepper)
        return real(pepper, password, kept)

    monkeypatch.setattr(passwords, "matches", remember)
    there = browser(create_app(dataclasses.replace(config, former_password_pepper="f" * 32), database))
    for username in ("ann", "nobody"):
        tried.clear()
        assert there.sign_in(username, "wrong").status_code == 403
        assert tried == [config.password_pepper, "f" * 32], username
