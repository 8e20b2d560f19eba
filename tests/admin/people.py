"""Accounts for tests, and browsers in which somebody is signed in."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyotp
from flask import Flask

from panel.accounts import passwords
from panel.store.accounts import Account, SignIn
from panel.store.database import Database
from tests.admin import through_caddy
from tests.admin.panel_file import PASSWORD_PEPPER, PATH

PASSWORD = "seven green umbrellas under one roof"  # noqa: S105 - of the tests
_TOKEN = re.compile(r'name="csrf_token" type="hidden" value="([^"]+)"')


@dataclass
class Browser:
    """A browser that fills in forms: it sends back the hidden token that the page has shown."""

    client: through_caddy.Client

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(PATH + path, **options)

    def post(self, path: str, form: dict[str, Any] | None = None, **options: Any) -> Any:
        """Send a form with the token of the page at that address, or of the account's page where there is none."""
        return self.client.post(PATH + path, data={"csrf_token": self.token(path)} | (form or {}), **options)

    def token(self, path: str) -> str:
        for page in (path, "/account/password"):
            if found := _TOKEN.search(self.get(page).text):
                return found[1]
        raise AssertionError(f"{path} shows no form")

    def sign_in(self, username: str, password: str = PASSWORD, path: str = "/login") -> Any:
        return self.post(path, {"username": username, "password": password})


def add(database: Database, username: str, role: str = "owner", **values: Any) -> Account:
    """Put an account with PASSWORD into the store."""
    account = Account(username=username, role=role, password_hash=passwords.hashed(PASSWORD_PEPPER, PASSWORD),
                      created_at=datetime.now(UTC), **values)
    with database.write() as session:
        session.add(account)
    return account


def begin(database: Database, account: Account, id_hash: str, **values: Any) -> None:
    """Put a session of that account into the store."""
    now = datetime.now(UTC)
    with database.write() as session:
        session.add(SignIn(id_hash=id_hash, account_id=account.id, values=values, address="", user_agent="",
                           created_at=now, seen_at=now))


def browser(app: Flask, address: str = through_caddy.ADDRESS) -> Browser:
    """Return a stranger's browser at that address."""
    return Browser(through_caddy.client(app, address))


def signed_in(app: Flask, database: Database, role: str) -> Browser:
    """Return the browser of somebody of that role, who is called like it."""
    add(database, role, role)
    somebody = browser(app)
    assert somebody.sign_in(role).status_code == 303
    return somebody


def code(secret: str, steps: int = 0) -> str:
    """Return the code of the step that is so many after this one."""
    return pyotp.TOTP(secret).at(datetime.now(UTC), counter_offset=steps)
