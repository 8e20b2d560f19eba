import dataclasses
import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select

from panel import PanelConfig, create_app
from panel.accounts import second_factor
from panel.store.accounts import Account
from panel.store.database import Database
from tests.admin import people
from tests.admin.panel_file import PATH
from tests.admin.people import PASSWORD, Browser, browser, code

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - of the tests


@pytest.fixture
def ann(database: Database) -> Account:
    return people.add(database, "ann", totp_secret=SECRET)


def reload(database: Database, username: str) -> Account:
    with database.read() as session:
        return session.scalars(select(Account).where(Account.username == username)).one()


def enter(app: Flask, answer: str) -> Browser:
    """Return a browser that has given the password and then that code."""
    visitor = browser(app)
    assert visitor.sign_in("ann").headers["Location"] == f"{PATH}/login/code"
    visitor.post("/login/code", {"code": answer})
    return visitor


def test_the_password_alone_opens_nothing(ann: Account, app: Flask) -> None:
    visitor = browser(app)
    visitor.sign_in("ann")
    for path in ("/account", "/accounts", "/account/password", "/logout"):
        assert visitor.get(path).headers.get("Location", "").startswith(f"{PATH}/login")


@pytest.mark.parametrize(("steps", "status"), [(-2, 303), (-1, 200), (0, 200), (1, 200), (2, 303)])
def test_a_code_of_this_step_or_a_neighbour_opens(
    ann: Account, app: Flask, monkeypatch: pytest.MonkeyPatch, steps: int, status: int,
) -> None:
    # A step that ends between the code and its proof would make another code of it.
    now, real = datetime.now(UTC), second_factor.accept_code
    monkeypatch.setattr(second_factor, "accept_code", lambda account, answer, _: real(account, answer, now))
    assert enter(app, pyotp.TOTP(SECRET).at(now + timedelta(seconds=30 * steps))).get("/account").status_code == status


def test_no_code_serves_twice_nor_an_older_one_after_it(ann: Account, app: Flask) -> None:
    now, before = code(SECRET), code(SECRET, -1)
    assert enter(app, now).get("/account").status_code == 200
    assert enter(app, now).get("/account").status_code == 303
    assert enter(app, before).get("/account").status_code == 303
    assert enter(app, code(SECRET, 1)).get("/account").status_code == 200


@pytest.mark.parametrize("wrong", ["", "000000x", "12345", "١٢٣", "\x00", "a" * 64, "None"])
def test_what_is_no_code_is_refused(ann: Account, app: Flask, wrong: str) -> None:
    assert enter(app, wrong).get("/account").status_code == 303


def test_digits_of_other_scripts_and_spaces_are_read(ann: Account, app: Flask) -> None:
    persian = code(SECRET).translate({ord("0") + digit: 0x6F0 + digit for digit in range(10)})
    assert enter(app, f"{persian[:3]} {persian[3:]}").get("/account").status_code == 200


def test_the_second_step_without_the_first_leads_to_the_first(ann: Account, app: Flask) -> None:
    assert browser(app).get("/login/code").headers["Location"] == f"{PATH}/login"


def test_it_is_turned_on_by_a_code_of_the_new_secret_and_gives_codes_on_paper(
    owner: Browser, app: Flask, database: Database,
) -> None:
    page = owner.get("/account/second-factor").text
    secret = re.findall(r'<code id="secret">([A-Z2-7]{32})</code>', page)[0]
    assert "<svg" in page
    assert "style=" not in page
    wrong = owner.post("/account/second-factor", {"password": PASSWORD, "first_code": "000000"})
    assert "not the one of this moment" in wrong.text
    assert reload(database, "owner").totp_secret is None
    shown = owner.post("/account/second-factor", {"password": PASSWORD, "first_code": code(secret)}).text
    codes = re.findall(r"<code>([a-z2-7-]{29})</code>", shown)
    assert len(set(codes)) == 10
    account = reload(database, "owner")
    assert account.totp_secret == secret
    assert not set(codes) & set(account.recovery_hashes)
    forms = re.findall(r'name="csrf_token" type="hidden" value="([^"]+)"', shown)
    assert owner.client.post(f"{PATH}/logout", data={"csrf_token": forms[0]}).status_code == 303, "the word is new"
    visitor = browser(app)
    visitor.sign_in("owner")
    visitor.post("/login/code", {"code": codes[3].upper().replace("-", " ")})
    assert visitor.get("/account").status_code == 200
    again = browser(app)
    again.sign_in("owner")
    again.post("/login/code", {"code": codes[3]})
    assert again.get("/account").status_code == 303, "a code on paper served twice"


def test_a_code_on_paper_of_the_former_pepper_opens_once(
    ann: Account, config: PanelConfig, database: Database,
) -> None:
    with database.write() as session:
        (paper, *_) = second_factor.new_recovery_codes(config.password_pepper, session.merge(ann))
    rotated = dataclasses.replace(config, password_pepper="p" * 32, former_password_pepper=config.password_pepper)
    assert enter(create_app(rotated, database), paper).get("/account").status_code == 200
    assert enter(create_app(rotated, database), paper).get("/account").status_code == 303


@pytest.mark.parametrize("path", ["/account/second-factor/off", "/account/recovery-codes"])
def test_who_has_a_session_alone_changes_no_second_factor(
    ann: Account, app: Flask, database: Database, path: str,
) -> None:
    thief, before = enter(app, code(SECRET, -1)), reload(database, "ann").recovery_hashes
    for proof in ({}, {"password": PASSWORD}, {"password": PASSWORD, "code": "000000"},
                  {"password": "wrong", "code": code(SECRET)}, {"password": PASSWORD, "code": code(SECRET, -1)}):
        thief.post(path, proof)
        account = reload(database, "ann")
        assert (account.totp_secret, account.recovery_hashes) == (SECRET, before)


def test_a_second_factor_is_not_replaced_by_turning_it_on_again(ann: Account, app: Flask, database: Database) -> None:
    thief = enter(app, code(SECRET))
    assert thief.get("/account/second-factor").headers["Location"] == f"{PATH}/account"
    answer = thief.post("/account/second-factor", {"password": PASSWORD, "first_code": code(SECRET)})
    assert answer.headers["Location"] == f"{PATH}/account"
    assert reload(database, "ann").totp_secret == SECRET


def test_it_is_turned_off_by_the_password_and_a_code(ann: Account, app: Flask, database: Database) -> None:
    visitor = enter(app, code(SECRET, -1))
    visitor.post("/account/second-factor/off", {"password": PASSWORD, "code": code(SECRET)})
    assert reload(database, "ann").totp_secret is None


def test_codes_are_those_of_the_standard() -> None:
    # RFC 6238 appendix B: the last six of the eight digits at that time, by SHA-1.
    secret = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").secret
    account = Account(username="ann", totp_secret=secret, totp_last_step=0)
    assert second_factor.accept_code(account, "287082", datetime.fromtimestamp(59, UTC))
    assert account.totp_last_step == 1


def test_a_program_for_codes_gets_name_and_issuer() -> None:
    assert second_factor.uri(SECRET, "ann", "example.com") == (
        f"otpauth://totp/example.com:ann?secret={SECRET}&issuer=example.com")
