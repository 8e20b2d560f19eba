import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from panel import PanelConfig, subscriptions, users
from panel.audit import search
from panel.store.database import Database
from panel.store.models import User
from tests.admin.panel_file import PATH
from tests.admin.people import Browser

Make = Callable[..., int]
FIELDS: dict[str, Any] = {"name": "alice", "note": "", "quota": "", "unit": "GB", "period": "month", "expires": "",
                          "protocols": ["trojan", "tuic"]}


def read(database: Database, name: str) -> User | None:
    with database.read() as session:
        return users.by_name(session, name)


def page(browser: Browser, path: str) -> str:
    """Return a page that is there."""
    answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.text)


def send(browser: Browser, path: str, **fields: Any) -> Any:
    """Send a form."""
    return browser.post(path, fields)


def names(text: str) -> list[str]:
    return re.findall(r'<th scope="row">.*?<bdi>(.*?)</bdi>', text, re.S)


def test_a_user_is_made_with_what_the_form_says(operator: Browser, database: Database) -> None:
    answer = send(operator, "/users/new", **FIELDS | {
        "note": "pays monthly", "quota": "1.5", "unit": "TB", "period": "week", "expires": "2031-02-28"})
    made = read(database, "alice")
    assert made
    assert (made.note, made.quota_bytes, made.quota_period) == ("pays monthly", 1_500_000_000_000, "week")
    assert made.expires_at == datetime(2031, 3, 1, tzinfo=UTC), "until the end of the day"
    assert set(made.closed_protocols) == {
        "vlessReality", "vlessWebsocket", "shadowtls", "hysteria2", "wireguard", "wireguardWebsocket"}
    assert (answer.status_code, answer.headers["Location"].endswith(f"/users/{made.id}")) == (303, True)
    assert answer.headers["Location"].startswith("/"), "an absolute address would repeat the client's Host"
    shown = page(operator, f"/users/{made.id}")
    assert "Created. This is the link to send." in shown


@pytest.mark.parametrize(("field", "value", "sentence"), [
    ("name", "", "A user needs a name."),
    ("name", "x" * 65, "A name has at most 64 characters."),
    ("name", "a/b", "The name holds U+002F"),
    ("note", "x" * 1001, "A note has at most 1000 characters."),
    ("quota", "much", "This is no size; write a number above zero, such as 50."),
    ("quota", "0", "This is no size"),
    ("quota", "-1", "This is no size"),
    ("quota", "Infinity", "This is no size"),
    ("quota", "1e99", "This is no size"), ("quota", "1e999999", "This is no size"), ("quota", "NaN", "This is no size"),
    ("expires", "tomorrow", "This is no date such as 2027-01-31."),
    ("expires", "9999-12-31", "The year lies between 2000 and 9000."),
    ("expires", "0001-01-01", "The year lies between 2000 and 9000."),
    ("unit", "PB", "Not a valid choice"),
    ("protocols", "smoke signals", "is not a valid choice"),
])
def test_a_wrong_field_is_told_beside_it_and_nothing_typed_is_lost(
    operator: Browser, database: Database, field: str, value: str, sentence: str,
) -> None:
    answer = send(operator, "/users/new", **FIELDS | {"note": "written with care", field: value})
    assert answer.status_code == 422
    assert read(database, "alice") is None
    beside = re.findall(r'<p class="error"(?: id="(\w+)-error")?>(.*?)</p>', answer.text)
    assert [place for place, said in beside if sentence in said] in ([field], [""])
    assert f'<a href="#{field}">' in answer.text, "the summary leads to the field"
    if field != "note":
        assert "written with care" in answer.text


def test_a_taken_name_is_told_beside_the_field(operator: Browser, make: Make) -> None:
    make("Alice")
    answer = send(operator, "/users/new", **FIELDS)
    assert answer.status_code == 422
    assert 'id="name-error">There is a user named Alice already' in answer.text


@pytest.mark.parametrize("typed", ["2,5", "2\N{ARABIC DECIMAL SEPARATOR}5", " 2.5 "])
def test_a_number_may_be_written_as_it_is_where_the_operator_lives(
    operator: Browser, database: Database, typed: str,
) -> None:
    send(operator, "/users/new", **FIELDS | {"quota": typed})
    made = read(database, "alice")
    assert made
    assert made.quota_bytes == 2_500_000_000


def test_nothing_but_the_forms_fields_is_taken(operator: Browser, database: Database, make: Make) -> None:
    user_id = make("alice")
    shown = page(operator, f"/users/{user_id}/edit")
    revision = re.findall(r'name="revision" value="(\d+)"', shown)[0]
    send(operator, f"/users/{user_id}/edit", **FIELDS | {
        "revision": revision, "note": "new", "id": "77", "is_enabled": "", "up_bytes": "7", "secrets": "{}",
        "subscription_generation": "9", "status": "limited"})
    user = read(database, "alice")
    assert user
    assert (user.id, user.note, user.is_enabled, user.up_bytes, user.subscription_generation, user.status) == (
        user_id, "new", True, 0, 1, "active")
    assert user.secrets


def test_an_edit_that_changes_nothing_changes_nothing(operator: Browser, database: Database, make: Make) -> None:
    noon = datetime(2031, 2, 28, 12, tzinfo=UTC)
    user_id = make("alice", quota_bytes=1_234_567_891, quota_period="year", expires_at=noon, closed_protocols=("tuic",))
    shown = page(operator, f"/users/{user_id}/edit")
    sent = {name: value for name, value in re.findall(r'<input[^>]*?name="(\w+)"[^>]*?value="([^"]*)"', shown)
            if name not in ("csrf_token", "protocols")}
    assert (sent["quota"], sent["expires"]) == ("1.234567891", "2031-02-28")
    open_now = re.findall(r'<input checked[^>]*value="(\w+)"', shown)
    answer = send(operator, f"/users/{user_id}/edit", **sent | {
        "note": "", "unit": "GB", "period": "year", "protocols": open_now})
    assert answer.status_code == 303
    user = read(database, "alice")
    assert user
    assert (user.quota_bytes, user.quota_period, user.expires_at, user.closed_protocols) == (
        1_234_567_891, "year", noon, ["tuic"])


def test_of_two_who_edit_at_once_the_second_is_told(operator: Browser, database: Database, make: Make) -> None:
    user_id = make("alice")
    before = re.findall(r'name="revision" value="(\d+)"', page(operator, f"/users/{user_id}/edit"))[0]
    first = send(operator, f"/users/{user_id}/edit", **FIELDS | {"note": "first", "revision": before})
    second = send(operator, f"/users/{user_id}/edit", **FIELDS | {"note": "second", "revision": before})
    assert (first.status_code, second.status_code) == (303, 422)
    assert "Somebody else has changed this user meanwhile" in second.text
    user = read(database, "alice")
    assert user
    assert user.note == "first"


@pytest.mark.parametrize(("name", "entry"), [
    ("disable", "user.disable"), ("enable", "user.enable"), ("reset-usage", "user.reset_usage"),
    ("revoke-link", "user.revoke_link"), ("renew-secrets", "user.renew_secrets"), ("delete", "user.delete")])
def test_an_action_is_asked_about_first_and_done_by_the_second_step_only(
    operator: Browser, database: Database, make: Make, name: str, entry: str,
) -> None:
    user_id = make("alice")
    assert "alice" in page(operator, f"/users/{user_id}/{name}")
    with database.read() as session:
        assert search(session, entry).total == 0, "a page that is only looked at changes nothing"
    assert send(operator, f"/users/{user_id}/{name}").status_code == 303
    with database.read() as session:
        done = search(session, entry)
    assert (done.total, done.entries[0].actor, done.entries[0].address) == (1, "operator", "203.0.113.7")


def test_several_are_disabled_at_once_after_a_question(operator: Browser, database: Database, make: Make) -> None:
    ids = [make(name) for name in ("alice", "bob", "carol")]
    chosen = {"ids": ids[:2], "action": "disable"}
    question = send(operator, "/users/bulk", **chosen)
    assert "This concerns 2 users:" in question.text
    alice, carol = read(database, "alice"), read(database, "carol")
    assert alice and carol  # noqa: PT018 # for mypy
    assert alice.is_enabled
    assert send(operator, "/users/bulk", **chosen | {"confirmed": "yes"}).status_code == 303
    with database.read() as session:
        assert [users.find(session, user_id).is_enabled for user_id in ids] == [False, False, True]


def test_several_are_changed_all_or_none(operator: Browser, database: Database, make: Make) -> None:
    ids = [make("alice"), 77]
    send(operator, "/users/bulk", ids=ids, action="delete", confirmed="yes")
    assert read(database, "alice"), "one of the two is gone, so neither is deleted"
    assert "Nothing was changed." in page(operator, "/users")


def test_who_was_deleted_meanwhile_is_told_before_the_question_too(operator: Browser, make: Make) -> None:
    answer = send(operator, "/users/bulk", ids=[make("alice"), 77], action="disable")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PATH}/users")
    assert "Nothing was changed. User 77 does not exist any more" in page(operator, "/users")


def test_choosing_nobody_is_told(operator: Browser, make: Make) -> None:
    make("alice")
    send(operator, "/users/bulk", action="delete")
    assert "Nobody is chosen" in page(operator, "/users")


@pytest.mark.parametrize("fields", [{"action": "smoke", "ids": [1]}, {"action": "delete", "ids": [*range(1, 300)]},
    {"action": "delete", "ids": [1, 2**63]}, {"action": "delete", "ids": [0]}])
def test_what_no_page_of_ours_sends_is_refused(operator: Browser, make: Make, fields: dict[str, Any]) -> None:
    make("alice")
    assert send(operator, "/users/bulk", **fields).status_code == 400


def test_the_list_searches_filters_sorts_and_turns_pages(operator: Browser, make: Make) -> None:
    for number in range(60):
        make(f"user {number:02}", note="even" if number % 2 == 0 else "")
    first, second = page(operator, "/users"), page(operator, "/users?page=2")
    assert (len(names(first)), len(names(second))) == (50, 10)
    assert "Page 1 of 2" in first
    assert names(page(operator, "/users?text=EVEN&page=9"))[-1] == "user 58"
    assert names(page(operator, "/users?sort=name&order=down"))[0] == "user 59"
    assert names(page(operator, "/users?status=disabled")) == []
    assert "No user fits this search." in page(operator, "/users?text=nobody")


@pytest.mark.parametrize("query", [
    "page=0", "page=-3", "page=99999999999999999999999", "page=x", "sort=password", "status=' OR 1=1", "order=sideways",
    "text=%00", "text=%25", "text=" + "x" * 3000])
def test_a_strange_query_is_no_fault(operator: Browser, make: Make, query: str) -> None:
    make("alice")
    assert operator.get(f"/users?{query}").status_code == 200


def test_a_name_is_text_and_never_markup(operator: Browser, make: Make) -> None:
    user_id = make("<script>alert(1)<script>", note='"><img src=x onerror=alert(1)>')
    for path in ("/users", f"/users/{user_id}", f"/users/{user_id}/edit", f"/users/{user_id}/delete", "/audit"):
        text = page(operator, path)
        assert "<script>alert" not in text
        assert "<img" not in text


@pytest.mark.parametrize("path", [
    "/users/99", "/users/0", "/users/99999999999999999999", "/users/99/edit", "/users/99/delete"])
def test_a_user_who_is_not_there_is_404(operator: Browser, path: str) -> None:
    assert operator.get(path).status_code == 404


def test_a_reader_is_offered_no_change_and_may_make_none(reader: Browser, make: Make) -> None:
    user_id = make("alice")
    for path in ("/users", f"/users/{user_id}"):
        main = page(reader, path).partition("<main")[2].partition("</main>")[0]
        assert 'method="post"' not in main
    for path in ("/users/new", f"/users/{user_id}/edit", f"/users/{user_id}/delete", "/audit"):
        assert reader.get(path).status_code == 403


def test_the_user_s_page_says_when_the_link_was_read_and_by_what(
    operator: Browser, make: Make, database: Database, config: PanelConfig, client: FlaskClient,
) -> None:
    made = make("alice")
    assert "No client has read it yet." in page(operator, f"/users/{made}")
    with database.read() as session:
        address = subscriptions.url(config, users.find(session, made))
    client.get(address, headers={"User-Agent": "<b>SFA/1.13.1</b>"})
    assert "<bdi>&lt;b&gt;SFA/1.13.1&lt;/b&gt;</bdi>" in page(operator, f"/users/{made}")


def test_the_list_offers_operators_a_user_s_link_and_what_is_done_most_often(
    operator: Browser, reader: Browser, make: Make, database: Database, config: PanelConfig,
) -> None:
    made = make("alice")
    with database.read() as session:
        link = subscriptions.url(config, users.find(session, made))
    for browser, may_write in ((operator, True), (reader, False)):
        text = page(browser, "/users")
        offered = (f'data-copy-text="{link}"', f'/users/{made}#link"', f'/users/{made}/edit"',
                   f'/users/{made}/disable"')
        assert [words in text for words in offered] == [may_write] * len(offered)
        assert (link in page(browser, f"/users/{made}")) == may_write
    send(operator, f"/users/{made}/disable")
    assert f'/users/{made}/enable"' in page(operator, "/users")
