"""Users as files, by the API."""

import gzip
import json
from typing import Any

import pytest

from panel.limits import IMPORT_BYTES, MOST_IMPORTED
from panel.store.database import Database
from panel.users import by_name
from tests.admin.api.conftest import Api


def send(api: Api, file: str | bytes, query: str = "", status: int = 200) -> Any:
    return api("POST", f"/import{query}", status=status, data=file, headers={"Content-Type": "application/json"})


def names(api: Api) -> list[str]:
    return [user["name"] for user in api("GET", "/users")["users"]]


def test_an_export_is_taken_again_with_secrets_and_counters(api: Api, database: Database) -> None:
    made = api("POST", "/users", {"name": "علی", "quota_bytes": 10**9}, status=201)
    with database.write() as session:
        user = by_name(session, "علی")
        assert user
        user.up_bytes, secrets = 7, user.secrets
    file = api.raw("POST", "/export").data
    api("DELETE", f"/users/{made['id']}", status=204)
    assert send(api, file) == {"created": 1, "replaced": 0, "skipped": 0, "lacks": []}
    with database.read() as session:
        again = by_name(session, "علی")
        assert again
        assert (again.secrets, again.up_bytes, again.quota_bytes) == (secrets, 7, 10**9)


def test_it_says_how_large_a_file_may_be_and_shows_that_the_caller_may_send_one(api: Api) -> None:
    assert api("GET", "/import") == {"most_bytes": IMPORT_BYTES, "most_users": MOST_IMPORTED}


def test_a_dry_run_changes_nothing(api: Api) -> None:
    assert send(api, '[{"name": "alice"}]', "?dry_run=true")["created"] == 1
    assert names(api) == []


@pytest.mark.parametrize(("on_clash", "answer"), [
    ("skip", {"created": 1, "replaced": 0, "skipped": 1, "lacks": []}),
    ("replace", {"created": 1, "replaced": 1, "skipped": 0, "lacks": []})])
def test_a_name_that_is_there_is_what_the_question_says(api: Api, on_clash: str, answer: dict[str, Any]) -> None:
    api("POST", "/users", {"name": "alice", "note": "before"}, status=201)
    file = '{"alice": {"note": "after"}, "bob": {}}'
    assert send(api, file, f"?on_clash={on_clash}") == answer
    assert api("GET", "/users?name=alice")["users"][0]["note"] == ("before" if on_clash == "skip" else "after")


def test_every_fault_has_its_line_in_the_file_and_nothing_is_taken(api: Api) -> None:
    refusal = send(api, '{\n "alice": {},\n "bob": {"limit": -1},\n\n "eve": {"is_admin": true}}', status=422)
    assert "Nothing was imported" in refusal["message"]
    assert [(fault["line"], fault["name"], fault["field"]) for fault in refusal["faults"]] == [
        (3, "bob", "quota_bytes"), (5, "eve", "is_admin")]
    assert names(api) == []


@pytest.mark.parametrize("file", [
    b"", b"\x00\x01\x02", b"\xff\xfe[\x00]\x00", gzip.compress(b"[]", mtime=0), b"{", b"[" * 100_000,
    b"null", b'"../../x"',
    b'[{"name": "../../etc/passwd"}]', b'{"/etc/passwd": {}}', b'{"..\\\\x": {}}', b'[{"name": "a\\u0000b"}]',
    b'[{"name": "x"}, {"name": "X"}]', b'{"x": {}, "x": {}}', b'[{"name": "x", "id": "../../x"}]',
    b'{"format": "stealth-vpn users", "version": 1, "users": [{"name": "x", "revision": 7}]}',
    b'[{"name": "x", "deleted_at": null}]', b'[{"name": "x"}] [{"name": "y"}]', b'file:///etc/passwd',
    b'[{"name": "x"}, {"name": "y", "note": "' + b"n" * 2000 + b'"}]', b"[" + b'{},' * MOST_IMPORTED + b"{}]"])
def test_a_hostile_file_is_refused_in_sentences_and_leaves_nothing(api: Api, file: bytes) -> None:
    for query in ("", "?on_clash=replace", "?dry_run=true"):
        faults = send(api, file, query, status=422)["faults"]
        assert faults
        assert all(fault["line"] >= 1 and "; " in fault["sentence"] for fault in faults)
    assert names(api) == []


def test_a_byte_order_mark_is_no_fault(api: Api) -> None:
    assert send(api, b'\xef\xbb\xbf[{"name": "alice"}]')["created"] == 1


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_was_not_sent_as_json_is_refused_with_the_way_out(api: Api, kind: str) -> None:
    answer = api("POST", "/import", status=415, data=b'[{"name": "alice"}]', headers={"Content-Type": kind})
    assert "Content-Type: application/json" in answer["message"]
    assert names(api) == []


@pytest.mark.parametrize("path", ["/import?file=/etc/passwd", "/import?on_clash=x", "/export?format=../../etc/passwd",
                                  "/export?format=html", "/export?path=/x"])
def test_a_question_that_names_something_else_is_refused(api: Api, path: str) -> None:
    answer = api("POST", path, status=422, data=b"[]", headers={"Content-Type": "application/json"})
    assert list(answer["errors"]) == ["query"]


def test_a_table_holds_no_secret_and_is_written_down(api: Api, database: Database) -> None:
    api("POST", "/users", {"name": "alice"}, status=201)
    answer = api.raw("POST", "/export?format=csv")
    with database.read() as session:
        user = by_name(session, "alice")
        assert user
        assert not any(secret in answer.text for secret in map(json.dumps, user.secrets.values()))
    assert (answer.mimetype, answer.text.splitlines()[1][:6]) == ("text/csv", "alice,")
    assert api("GET", "/audit")["entries"][0] | {"at": "", "hash": "", "previous_hash": "", "id": 0} == {
        "actor": "ops", "address": "", "action": "users.export", "target": "csv", "detail": {}, "at": "", "hash": "",
        "previous_hash": "", "id": 0}
