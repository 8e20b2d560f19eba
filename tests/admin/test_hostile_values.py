"""Every number, text, time and choice that a request can bring, as no page offers it: none is a fault of ours.

What is refused is refused by a sentence or a plain 4xx; a 500 would be our mistake, and each is a line in the log.
"""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from flask import Flask

from panel import PanelConfig, subscriptions
from panel import users as service
from panel.accounts import local
from panel.store.database import Database
from tests.admin import people, through_caddy
from tests.admin.hostile import SENT, check, prepare
from tests.admin.panel_file import PATH, SESSION_KEY, SUBSCRIPTION_PATH
from tests.admin.people import PASSWORD, Browser
from tests.admin.test_routes import UNSAFE, routes

PAGES = ("/", "/users", "/users/1", "/audit", "/server", "/accounts", "/login", "/login/code", "/account")
QUESTIONS = ("page", "text", "status", "sort", "order", "span", "next", "size", "language", "format")

FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/users/new", {"name": "ali", "note": "", "quota": "5", "unit": "GB", "period": "month", "expires": "2030-01-31",
                    "protocols": "trojan"}),
    ("/users/1/edit", {"name": "ali", "note": "", "quota": "5", "unit": "GB", "period": "month",
                       "expires": "2030-01-31", "protocols": "trojan", "revision": "1"}),
    ("/users/bulk", {"action": "enable", "ids": "1"}),
    ("/users/bulk", {"action": "enable", "ids": "1", "confirmed": "1"}),
    ("/users/export", {"format": "json"}),
    ("/preferences", {"language": "en", "theme": "", "back": "users"}),
    # Too short, so that the password stays what the proofs of the other forms say.
    ("/account/password", {"password": PASSWORD, "new_password": "short", "repeated": "short"}),
    ("/account/second-factor", {"password": PASSWORD, "first_code": "000000"}),
    ("/account/tokens/new", {"password": PASSWORD, "name": "script", "scopes": "users:read", "days": "1"}),
    ("/accounts/new", {"password": PASSWORD, "username": "eve", "role": "reader"}),
    ("/accounts/1", {"password": PASSWORD, "action": "reader"}),
)

@pytest.fixture(autouse=True)
def known(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user and an account, both of id 1; and no pauses, in which nothing would be looked at."""
    prepare(database, monkeypatch)


def addresses(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Yield method, address and value of each route and argument."""
    for endpoint, method, _ in routes(app):
        if endpoint == "access.sign_out":
            continue
        for rule in app.url_map.iter_rules(endpoint):
            for name in rule.arguments if method in (rule.methods or set()) else ():
                for value in SENT:
                    yield method, filled(rule.rule, name, value), value


def filled(rule: str, name: str, value: str) -> str:
    """Return a rule's address with that value for the argument, and what is usual for the others."""
    parts = []
    for part in rule.split("/"):
        inner = part.strip("<>").rpartition(":")[2]
        usual = {"id_hash": "0" * 64, "filename": "panel.css", "token": "x" * 43, "action": "enable",
                 "verb": "drain"}.get(inner, "1")
        parts.append((quote(value, safe="") if inner == name else usual) if part.startswith("<") else part)
    return "/".join(parts)


@pytest.mark.parametrize("who", ["owner", "stranger"])
def test_no_address_is_a_fault(app: Flask, owner: Browser, who: str) -> None:
    client = owner.client if who == "owner" else through_caddy.client(app)
    headers = {"X-CSRFToken": owner.token("/account/password")} if who == "owner" else {}
    count = 0
    for method, address, value in addresses(app):
        check(client.open(address, method=method, headers=headers, buffered=True), method, address, value)
        count += 1
    assert count > 500


def test_no_question_of_a_page_is_a_fault(app: Flask, owner: Browser) -> None:
    stranger = through_caddy.client(app)
    for page in PAGES:
        for value in SENT:
            asked = dict.fromkeys(QUESTIONS, value)
            check(owner.get(page, query_string=asked), page, value)
            check(stranger.get(PATH + page, query_string=asked), page, value)


@pytest.mark.parametrize(("path", "form"), FORMS)
def test_no_field_of_a_form_is_a_fault(owner: Browser, path: str, form: dict[str, str]) -> None:
    token = owner.token("/account/password")
    for name in form:
        for value in SENT:
            answer = owner.client.post(PATH + path, data=form | {name: value, "csrf_token": token}, buffered=True)
            check(answer, path, name, value)
            assert answer.status_code != 400 or path in ("/users/bulk", "/preferences", "/users/export")
            # Another word comes with each proof that was good.
            token = owner.token("/account/password") if path.startswith("/account/") else token


@pytest.mark.parametrize("path", ["/login", "/login/code"])
def test_no_field_of_the_sign_in_is_a_fault(app: Flask, database: Database, path: str) -> None:
    people.add(database, "ann", totp_secret="A" * 32)
    visitor = people.browser(app)
    visitor.sign_in("ann")
    for name in ("username", "password") if path == "/login" else ("code",):
        for value in SENT:
            check(visitor.post(path, {"username": "ann", "password": "x", name: value}), path, name, value)


def test_no_link_is_a_fault(app: Flask, database: Database, config: PanelConfig) -> None:
    client = through_caddy.client(app)
    with database.read() as session:
        token = subscriptions.url(config, service.find(session, 1)).rpartition("/")[2]
    assert client.get(f"{SUBSCRIPTION_PATH}/{token}").status_code == 200
    for value in SENT:
        check(client.get(f"{SUBSCRIPTION_PATH}/{token}", query_string={"format": value}), value)
        check(client.get(f"{SUBSCRIPTION_PATH}/{token}", query_string={"format": "page", "language": value}), value)
        header = value.encode(errors="replace").decode("latin-1").replace("\r", "").replace("\n", "")
        for name in ("User-Agent", "Accept", "Accept-Language", "Authorization", "Cookie"):
            check(client.get(f"{SUBSCRIPTION_PATH}/{token}", headers={name: header}), name, value)


def test_no_header_is_a_fault(app: Flask, owner: Browser) -> None:
    for value in SENT:
        header = value.encode(errors="replace").decode("latin-1").replace("\r", "").replace("\n", "")
        for name in ("User-Agent", "Accept-Language", "Authorization", "X-CSRFToken", "Origin", "Sec-Fetch-Site",
                     "Host", "X-Forwarded-For", "Content-Type", "If-Match"):
            check(owner.client.get(f"{PATH}/users", headers={name: header}), name, value)
            check(owner.client.post(f"{PATH}/preferences", headers={name: header}), name, value)
        check(app.test_client().patch(f"{PATH}/api/v1/users/1", json={"note": ""}, headers={
            "Authorization": f"Bearer {local.token(SESSION_KEY)}", "If-Match": header}), value)


def test_every_form_is_tried(app: Flask) -> None:
    """A form that is new stands here or above; what has no fields of its own is the routes' matter."""
    tried = {path.replace("/1", "/<n>") for path, _ in FORMS} | {"/login", "/login/code"}
    without_fields = {
        "/logout", "/account/second-factor/off", "/account/recovery-codes", "/account/tokens/<n>/delete",
        "/account/sessions/<n>/end", "/users/import", "/users/<n>/<n>", "/server/hosts/<n>/<n>"}
    found = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(f"{PATH}/api/") or not (rule.methods or set()) & UNSAFE:
            continue
        found.add("/".join("<n>" if part.startswith("<") else part
                           for part in rule.rule.removeprefix(PATH).split("/")))
    assert found == tried | without_fields
