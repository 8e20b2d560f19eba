"""The API's part of tests/admin/test_hostile_values.py: no question, field or whole body is a fault of ours."""

import json
from typing import Any

import pytest

from panel.store.database import Database
from tests.admin.api.conftest import Api
from tests.admin.hostile import BODIES, SAID, SENT, check, prepare
from tests.admin.panel_file import PATH
from tests.admin.people import Browser

ASKED = {
    "/users": ("name", "search", "status", "sort", "descending", "page", "page_size"),
    "/audit": ("search", "page", "page_size"), "/traffic": ("span", "count", "user_id"),
}
BODIES_OF: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "/users", {"name": "x", "note": "", "quota_bytes": 1, "quota_period": "day",
                        "expires_at": "2030-01-01T00:00:00Z", "closed_protocols": []}),
    ("PATCH", "/users/1", {"name": "x", "note": "", "quota_bytes": 1, "quota_period": "day",
                           "expires_at": "2030-01-01T00:00:00Z", "closed_protocols": []}),
    ("POST", "/users/bulk", {"ids": [1], "action": "enable"}),
    ("PATCH", "/users/bulk", {"ids": [1], "change": {"note": ""}}),
    ("POST", "/accounts", {"username": "x", "role": "reader", "proof": None}),
    ("PATCH", "/accounts/1", {"role": "owner", "is_disabled": False, "proof": None}),
    ("POST", "/accounts/1/reset", {"proof": None}),
    ("POST", "/accounts/1/tokens", {"name": "x", "scopes": ["users:read"], "days": 1}),
)


@pytest.fixture(autouse=True)
def known(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user and an account, both of id 1; and no pauses, in which nothing would be looked at."""
    prepare(database, monkeypatch)


def test_no_question_of_the_api_is_a_fault(api: Api) -> None:
    for path, names in ASKED.items():
        for name in names:
            for value in SENT:
                check(api.raw("GET", path, query_string={name: value}), path, name, value)


@pytest.mark.parametrize(("method", "path", "body"), BODIES_OF)
def test_no_field_of_the_api_is_a_fault(api: Api, method: str, path: str, body: dict[str, Any]) -> None:
    for name in body:
        for value in SAID:
            check(api.raw(method, path, data=json.dumps(body | {name: value}), content_type="application/json"),
                  method, path, name, value)


def test_no_proof_is_a_fault(owner: Browser) -> None:
    headers = {"X-CSRFToken": owner.token("/account/password")}
    for proof in ({"password": value, "code": value} for value in SAID):
        check(owner.client.post(f"{PATH}/api/v1/accounts/1/reset", headers=headers, data=json.dumps({"proof": proof}),
                                content_type="application/json"), proof)


@pytest.mark.parametrize(("method", "path"), [
    (method, path) for method, path, _ in BODIES_OF] + [("POST", "/import"), ("DELETE", "/accounts/2")])
def test_no_body_is_a_fault(api: Api, method: str, path: str) -> None:
    for body in BODIES:
        check(api.raw(method, path, data=body, content_type="application/json"), method, path, body[:40])
