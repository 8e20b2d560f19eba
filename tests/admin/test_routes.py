"""A walk over every route that the application has, by everybody who may come."""

from collections.abc import Iterator

import pytest
from flask import Flask

from panel.accounts import access
from tests.admin import through_caddy
from tests.admin.panel_file import PATH, SUBSCRIPTION_PATH
from tests.admin.people import Browser

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
ARGUMENTS = {"id_hash": "0" * 64, "filename": "panel.css", "token": "x" * 43, "action": "enable", "verb": "drain"}

PUBLIC = {"health.show", "web.static", "access.sign_in", "access.code", "metrics.show"}
"""What answers a stranger who knows the secret path; a new one must be written down here."""


def routes(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Yield endpoint, method and an address of each route."""
    adapter = app.url_map.bind(through_caddy.HOST)
    for rule in app.url_map.iter_rules():
        values = {name: ARGUMENTS.get(name, "1") for name in rule.arguments}
        for method in sorted((rule.methods or set()) & (UNSAFE | {"GET"})):
            yield rule.endpoint, method, adapter.build(rule.endpoint, values, method=method)


def scope(app: Flask, endpoint: str, method: str) -> str | None:
    return access.scope_of(app.view_functions[endpoint], method)


def test_every_route_is_marked_for_somebody(app: Flask) -> None:
    walked = list(routes(app))
    assert len(walked) >= 40
    assert [(endpoint, method) for endpoint, method, _ in walked if scope(app, endpoint, method) is None] == []


def test_the_public_routes_are_those_that_are_known(app: Flask) -> None:
    public = {endpoint for endpoint, method, address in routes(app)
              if scope(app, endpoint, method) == access.EVERYBODY and not address.startswith(SUBSCRIPTION_PATH)}
    assert public == PUBLIC


def test_every_other_route_refuses_a_stranger(app: Flask) -> None:
    stranger = through_caddy.client(app)
    for endpoint, method, address in routes(app):
        if scope(app, endpoint, method) == access.EVERYBODY:
            continue
        answer = stranger.open(address, method=method)
        assert answer.status_code in (303, 401, 404), (method, address)
        if answer.status_code == 303:
            assert answer.headers["Location"].startswith(f"{PATH}/login")


@pytest.mark.parametrize("role", ["reader", "operator", "owner"])
def test_each_role_opens_what_its_scopes_name_and_nothing_else(
    app: Flask, role: str, request: pytest.FixtureRequest,
) -> None:
    somebody: Browser = request.getfixturevalue(role)
    token = somebody.token("/account/password")
    scopes = access.ROLES[role] | {access.OWN, access.PASSWORD, access.EVERYBODY}
    for endpoint, method, address in routes(app):
        # What would end the session that walks.
        if endpoint == "access.sign_out":
            continue
        answer = somebody.client.open(address, method=method, headers={"X-CSRFToken": token}, buffered=True)
        assert (answer.status_code == 403) == (scope(app, endpoint, method) not in scopes), (method, address)


def test_every_unsafe_route_wants_the_token_of_a_form(app: Flask, owner: Browser) -> None:
    for endpoint, method, address in routes(app):
        if method in UNSAFE:
            assert owner.client.open(address, method=method).status_code == 400, (endpoint, method)
