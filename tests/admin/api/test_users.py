from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from panel.store.database import Database
from panel.store.models import Usage
from panel.users import by_name
from tests.admin import people
from tests.admin.api.conftest import Api


@pytest.fixture
def alice(api: Api) -> dict[str, Any]:
    made: dict[str, Any] = api("POST", "/users", {"name": "Alice", "quota_bytes": 10**9}, status=201)
    return made


def test_a_user_is_added_found_changed_and_removed(api: Api, alice: dict[str, Any]) -> None:
    path = f"/users/{alice['id']}"
    assert alice["status"] == "active"
    assert len(alice["open_protocols"]) == 8
    assert api("GET", "/users?name=alice")["users"] == [alice]
    assert api("GET", "/users?search=LIC")["total"] == 1
    changed = api("PATCH", path, {"note": "sister", "closed_protocols": ["tuic"], "quota_bytes": None})
    assert (changed["note"], changed["quota_bytes"], changed["closed_protocols"]) == ("sister", None, ["tuic"])
    assert "tuic" not in changed["open_protocols"]
    api("DELETE", path, status=204)
    api("GET", path, status=404)
    assert api("GET", "/users?name=alice") == {"users": [], "total": 0, "page": 1, "pages": 1}


@pytest.mark.parametrize(("action", "status"), [("disable", "disabled"), ("enable", "active")])
def test_a_user_is_switched(api: Api, alice: dict[str, Any], action: str, status: str) -> None:
    assert api("POST", f"/users/{alice['id']}/{action}")["status"] == status


def test_secrets_are_renewed_and_never_shown(api: Api, alice: dict[str, Any], database: Database) -> None:
    def secrets() -> dict[str, Any]:
        with database.read() as session:
            user = by_name(session, "alice")
            assert user
            return user.secrets
    before = secrets()
    answer = api.raw("POST", f"/users/{alice['id']}/renew-secrets")
    assert secrets() != before
    assert not any(str(secret) in answer.get_data(as_text=True) for secret in secrets().values())


def test_another_link_takes_the_place_of_the_former(api: Api, alice: dict[str, Any]) -> None:
    path = f"/users/{alice['id']}"
    before = api("GET", f"{path}/link")["url"]
    api("POST", f"{path}/revoke-link")
    after = api("GET", f"{path}/link")["url"]
    assert before.startswith("https://www.example.com/")
    assert before != after


def test_who_may_only_read_gets_no_link(api: Api, alice: dict[str, Any], database: Database) -> None:
    bob = people.add(database, "bob", "operator").id
    token = api("POST", f"/accounts/{bob}/tokens", {"name": "monitor", "scopes": ["users:read"]}, status=201)["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert api.raw("GET", f"/users/{alice['id']}", headers=headers).status_code == 200
    assert api.raw("GET", f"/users/{alice['id']}/link", headers=headers).status_code == 403


@pytest.mark.parametrize(("body", "field"), [
    ({"name": "bob", "is_admin": True}, "is_admin"), ({"name": "bob", "up_bytes": 0}, "up_bytes"),
    ({"name": "bob", "secrets": {}}, "secrets"), ({"name": "bob", "id": 1}, "id"), ({}, "name"),
    ({"name": "bob", "quota_bytes": 0}, "quota_bytes"), ({"name": "bob", "quota_bytes": "1"}, "quota_bytes"),
    ({"name": "bob", "expires_at": "2027-01-01T00:00:00"}, "expires_at"), ({"name": "ALICE"}, "name"),
    ({"name": "bob", "closed_protocols": ["ftp"]}, "closed_protocols"), ({"name": "\u202ebob"}, "name")])
def test_what_may_not_be_said_is_refused_by_its_field(
    api: Api, alice: dict[str, Any], body: dict[str, Any], field: str,
) -> None:
    answer = api("POST", "/users", body, status=422)
    assert set(answer["errors"]["json"]) == {field}
    assert api("GET", "/users")["total"] == 1


def test_a_change_on_top_of_another_s_is_refused(api: Api, alice: dict[str, Any]) -> None:
    path = f"/users/{alice['id']}"
    tag = api.raw("GET", path).headers["ETag"]
    api("PATCH", path, {"note": "first"}, headers={"If-Match": tag})
    answer = api("PATCH", path, {"note": "second"}, headers={"If-Match": tag}, status=412)
    assert "changed by somebody else" in answer["message"]
    api("DELETE", path, headers={"If-Match": tag}, status=412)
    assert api("GET", path)["note"] == "first"


def test_of_two_changes_at_the_same_moment_one_is_refused(api: Api, alice: dict[str, Any]) -> None:
    path = f"/users/{alice['id']}"
    for _ in range(10):
        headers, together = {"If-Match": api.raw("GET", path).headers["ETag"]}, Barrier(2)

        def change(note: str, headers: dict[str, str] = headers, together: Barrier = together) -> int:
            together.wait(10)
            return int(api.raw("PATCH", path, {"note": note}, headers=headers).status_code)

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(change, ("first", "second"))) == [200, 412]


def test_one_action_is_done_to_all_of_several_or_to_none(api: Api, alice: dict[str, Any]) -> None:
    bob = api("POST", "/users", {"name": "Bob"}, status=201)["id"]
    api("POST", "/users/bulk", {"ids": [alice["id"], bob, 999], "action": "delete"}, status=404)
    assert api("GET", "/users")["total"] == 2
    done = api("POST", "/users/bulk", {"ids": [alice["id"], bob, bob], "action": "disable"})
    assert done == {"changed": 2}
    assert {user["name"] for user in api("GET", "/users?status=disabled")["users"]} == {"Alice", "Bob"}


@pytest.mark.parametrize("path", ["/users?page=0", "/users?page_size=100000", "/users?sort=secrets", "/users?x=1"])
def test_a_question_that_makes_no_sense_is_refused(api: Api, path: str) -> None:
    assert "errors" in api("GET", path, status=422)


def test_an_error_is_json_with_a_sentence(api: Api) -> None:
    assert api("GET", "/users/999", status=404)["message"] == (
        "User 999 does not exist any more; look at the list of users.")
    assert api.raw("POST", "/users", headers={"Content-Type": "application/json"}).status_code == 422


def test_an_action_on_top_of_another_s_change_is_refused(api: Api, alice: dict[str, Any]) -> None:
    path = f"/users/{alice['id']}"
    tag = f'"{alice["revision"]}"'
    api("PATCH", path, {"note": "changed"})
    api("POST", f"{path}/disable", headers={"If-Match": tag}, status=412)
    assert api("GET", path)["is_enabled"]


def test_the_same_change_is_made_to_all_of_several_or_to_none(api: Api, alice: dict[str, Any]) -> None:
    ids = [alice["id"], api("POST", "/users", {"name": "Bob"}, status=201)["id"]]
    api("PATCH", "/users/bulk", {"ids": [*ids, 999], "change": {"quota_bytes": 7}}, status=404)
    api("PATCH", "/users/bulk", {"ids": ids, "change": {"name": "x"}}, status=422)
    api("PATCH", "/users/bulk", {"ids": ids, "change": {"up_bytes": 0}}, status=422)
    assert [user["quota_bytes"] for user in api("GET", "/users")["users"]] == [10**9, None]
    assert api("PATCH", "/users/bulk", {"ids": ids, "change": {"quota_bytes": 7}}) == {"changed": 2}
    changed = api("GET", "/users")["users"]
    assert [user["quota_bytes"] for user in changed] == [7, 7]
    assert len({user["revision"] for user in changed}) == 1


def test_traffic_is_told_by_protocol(api: Api, alice: dict[str, Any], database: Database) -> None:
    assert api("GET", f"/users/{alice['id']}/usage") == []
    with database.write() as session:
        session.add(Usage(user_id=alice["id"], protocol="trojan", up_bytes=5, down_bytes=6, open_connections=2))
    assert api("GET", f"/users/{alice['id']}/usage") == [
        {"protocol": "trojan", "up_bytes": 5, "down_bytes": 6, "open_connections": 2, "last_seen_at": None}]
    api("GET", "/users/999/usage", status=404)
