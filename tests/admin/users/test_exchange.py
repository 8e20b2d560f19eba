import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panel import users
from panel.audit import broken_at
from panel.limits import MOST_IMPORTED
from panel.protocols import PROTOCOLS
from panel.store.accounts import AuditEntry
from panel.store.database import Database
from panel.store.models import Usage, User
from panel.users import NewUser, UserQuery, exchange
from panel.users.exchange import ImportReport, OnClash
from tests.admin.users.facts import OPERATOR, SERVER

UUID = "3f8a2b1c-0d4e-4f5a-8b6c-7d8e9f0a1b2c"


def fill(database: Database, *names: str) -> None:
    with database.write() as session:
        for name in names:
            user = users.create(session, OPERATOR, SERVER, NewUser(
                name=name, note="pays\nmonthly", quota_bytes=10**12, quota_period="month",
                expires_at=datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC), closed_protocols=("tuic",)))
            user.up_bytes, user.down_bytes, user.period_used_bytes = 11, 22, 33
            user.last_seen_at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
            session.add(Usage(user_id=user.id, protocol="trojan", up_bytes=5, down_bytes=6))


def exported(database: Database) -> str:
    with database.read() as session:
        return "".join(exchange.export_json(session))


def take(database: Database, text: object, on_clash: OnClash = "refuse", *, dry_run: bool = False) -> ImportReport:
    with database.write() as session:
        return exchange.import_users(
            session, OPERATOR, SERVER, text if isinstance(text, (str, bytes)) else json.dumps(text),
            on_clash=on_clash, dry_run=dry_run)


def told(database: Database) -> list[Any]:
    found: list[Any] = json.loads(exported(database))["users"]
    return found


def faults(report: ImportReport) -> list[tuple[int, str]]:
    return [(fault.line, fault.field) for fault in report.faults]


def test_an_export_makes_the_same_users_in_another_store(database: Database, second: Database) -> None:
    fill(database, "alice", "علی", "李小龍")
    assert take(second, exported(database)).created == 3
    assert told(second) == told(database)


def test_an_export_is_a_line_for_each_user(database: Database) -> None:
    fill(database, "alice", "bob")
    lines = exported(database).splitlines()
    assert len(lines) == 4
    assert json.loads(lines[1].rstrip(","))["name"] == "alice"


def test_an_export_of_nobody_is_taken(database: Database) -> None:
    assert take(database, exported(database)) == ImportReport()


def test_a_dry_run_says_the_same_and_does_nothing(database: Database, second: Database) -> None:
    fill(database, "alice")
    fill(second, "bob")
    before = exported(second).splitlines()[1:]
    assert take(second, exported(database), dry_run=True).created == 1
    assert exported(second).splitlines()[1:] == before


@pytest.mark.parametrize(("on_clash", "counts"), [("skip", (1, 0, 1)), ("replace", (1, 1, 0))])
def test_a_name_that_is_there_is_skipped_or_replaced(
    database: Database, second: Database, on_clash: OnClash, counts: tuple[int, int, int],
) -> None:
    fill(database, "alice", "bob")
    with second.write() as session:
        own = users.create(session, OPERATOR, SERVER, NewUser(name="ALICE"))
    report = take(second, exported(database), on_clash)
    assert (report.created, report.replaced, report.skipped) == counts
    kept = next(user for user in told(second) if user["name"].lower() == "alice")
    assert (kept["secrets"] == own.secrets) == (on_clash == "skip")
    assert (kept["up_bytes"], kept["usage"] == {}) == ((0, True) if on_clash == "skip" else (11, False))
    with second.read() as session:
        assert users.find(session, own.id).id == own.id, "links are bound to the id"
        assert broken_at(session) is None


def test_a_name_that_is_there_is_refused_unless_told_otherwise(database: Database) -> None:
    fill(database, "alice", "bob")
    report = take(database, exported(database))
    assert faults(report) == [(2, "name"), (3, "name")]
    assert {fault.name for fault in report.faults} == {"alice", "bob"}


def test_a_replaced_user_may_keep_their_own_secrets(database: Database) -> None:
    fill(database, "alice")
    before = told(database)[0]["secrets"]
    assert take(database, [{"name": "alice", "enabled": False}], "replace").replaced == 1
    assert (told(database)[0]["secrets"], told(database)[0]["is_enabled"]) == (before, False)


def test_a_secret_is_nobody_elses(database: Database, second: Database) -> None:
    fill(database, "alice", "bob")
    text = exported(database)
    users_of_file = json.loads(text)
    users_of_file["users"][1]["secrets"]["trojan"] = users_of_file["users"][0]["secrets"]["trojan"]
    report = take(second, users_of_file)
    assert [(fault.name, fault.field) for fault in report.faults] == [("bob", "secrets")]
    fill(second, "carol")
    clash = json.loads(text) | {"users": [told(second)[0] | {"name": "dave"}]}
    assert [fault.sentence for fault in take(second, clash).faults] == [
        "A secret is also that of a user of the panel; remove it here, and a new one is made."]


@pytest.mark.parametrize("on_clash", ["skip", "replace"])
def test_who_keeps_their_secrets_shares_them_with_nobody_in_the_file(database: Database, on_clash: OnClash) -> None:
    fill(database, "alice", "bob")
    alice = told(database)[0]
    before = told(database)
    thief = {"name": "eve", "secrets": {"trojan": alice["secrets"]["trojan"]}}
    file = {"format": "stealth-vpn users", "version": 1, "users": [{"name": "alice"}, thief]}
    assert [(fault.name, fault.field) for fault in take(database, file, on_clash).faults] == [("eve", "secrets")]
    assert told(database) == before


def test_users_may_change_secrets_with_each_other(database: Database) -> None:
    fill(database, "alice", "bob")
    alice, bob = told(database)
    file = {"format": "stealth-vpn users", "version": 1, "users": [
        {"name": "alice", "secrets": bob["secrets"]}, {"name": "bob", "secrets": alice["secrets"]}]}
    assert take(database, file, "replace").replaced == 2
    assert [user["secrets"] for user in told(database)] == [bob["secrets"], alice["secrets"]]


@pytest.mark.parametrize("protocols", [("vlessReality", "vlessReality"), ("vlessWebsocket", "vlessReality")])
def test_uuids_that_are_one_to_xray_are_one_secret(
    database: Database, second: Database, protocols: tuple[str, str],
) -> None:
    # Xray passes over the seventh and eighth byte.
    same, other = UUID[:14] + "0123" + UUID[18:], UUID[:-1] + "d"
    users_of_file = [{"name": "alice", "secrets": {protocols[0]: UUID}},
                     {"name": "bob", "secrets": {protocols[1]: same}}]
    file: dict[str, Any] = {"format": "stealth-vpn users", "version": 1, "users": users_of_file}
    assert [fault.name for fault in take(database, file).faults] == ["bob"]
    assert take(second, file | {"users": users_of_file[:1]}).created == 1
    assert [fault.name for fault in take(second, file | {"users": users_of_file[1:]}).faults] == ["bob"]
    users_of_file[1]["secrets"] = {protocols[1]: other}
    assert take(second, file | {"users": users_of_file[1:]}).created == 1


def test_two_users_of_one_file_with_one_name_are_refused_at_the_second(database: Database) -> None:
    report = take(database, '[{"name": "alice"},\n {"name": "bob"},\n {"name": "Alice"}]')
    assert faults(report) == [(3, "name")]
    assert "line 1 as well" in report.faults[0].sentence
    assert told(database) == []


def test_every_fault_is_told_with_its_line_name_and_field(database: Database) -> None:
    report = take(database, "\n".join([
        '{"format": "stealth-vpn users", "version": 1, "users": [',
        '{"name": "alice", "quota_bytes": -1, "quota_period": "hour", "expires_at": "tomorrow"},',
        '{"name": "../../x"},',
        '{"name": "bob", "secrets": {"trojan": "hunter two"}, "up_bytes": 1e400},',
        '{"name": "carol", "role": "owner", "id": 1, "usage": {"trojan": 5}},',
        '"dave",',
        '{"note": 7},',
        '{"name": "erin"}]}']))
    assert faults(report) == [
        (2, "quota_bytes"), (2, "quota_period"), (2, "expires_at"), (3, "name"), (4, "secrets"), (4, "up_bytes"),
        (5, "usage"), (5, "role"), (5, "id"), (6, ""), (7, "name"), (7, "note")]
    assert report.faults[0].name == "alice"
    assert all(fault.sentence.count("; ") >= 1 for fault in report.faults)
    assert "hunter" not in str(report), "a report holds no secret"
    assert told(database) == []


USERS_JSON = """{
  "alice": {"uuid": "3f8a2b1c-0d4e-4f5a-8b6c-7d8e9f0a1b2c", "password": "correct-horse", "enabled": false,
            "limit": "50GB", "expiry": "2031-05-06", "note": "from before"},
  "bob": {"limit": 0, "expiry": 1935619200000, "used": "1 KiB"}
}"""


def test_the_specifications_users_json_is_taken(database: Database) -> None:
    assert take(database, USERS_JSON).created == 2
    alice, bob = told(database)
    assert (alice["is_enabled"], alice["quota_bytes"], alice["note"]) == (False, 50 * 10**9, "from before")
    assert alice["expires_at"] == "2031-05-06T23:59:59+00:00"
    secrets = alice["secrets"]
    assert {secrets["vlessReality"], secrets["vlessWebsocket"]} == {UUID}
    assert {secrets["trojan"], secrets["hysteria2"], secrets["wireguardWebsocket"]["password"]} == {"correct-horse"}
    assert secrets["tuic"] == f"{UUID}:correct-horse"
    assert (bob["quota_bytes"], bob["period_used_bytes"]) == (None, 1024)
    assert bob["expires_at"] == "2031-05-04T00:00:00+00:00"
    assert bob["secrets"].keys() == PROTOCOLS.keys()


@pytest.mark.parametrize("wrap", [
    lambda user: [user], lambda user: {"users": [user]}, lambda user: {"users": {"alice": user}, "version": 3}])
def test_it_may_be_a_list_or_a_map_alone_or_within_users(database: Database, wrap: Any) -> None:
    user = {"password": "correct-horse"} if "alice" in str(wrap({})) else {"username": "alice", "id": UUID}
    assert take(database, wrap(user)).created == 1
    assert told(database)[0]["name"] == "alice"


@pytest.mark.parametrize(("user", "field"), [
    ({"uuid": "1"}, "secrets"), ({"password": "short"}, "secrets"), ({"password": "with space"}, "secrets"),
    ({"username": "bob"}, "username"), ({"flow": "vision"}, "flow"), ({"enabled": 1}, "is_enabled"),
    ({"limit": "lots"}, "quota_bytes"), ({"limit": False}, "quota_bytes"), ({"expiry": "9" * 30}, "expires_at"),
    ({"expiry": 10**30}, "expires_at"), ({"id": 7}, "secrets"), ({"expiry": {}}, "expires_at"),
])
def test_what_it_says_wrongly_is_refused_with_the_field(database: Database, user: Any, field: str) -> None:
    assert faults(take(database, [{"name": "alice", **user}])) == [(1, field)]


@pytest.mark.parametrize(("text", "line"), [
    ("", 1), ("\n\nnull", 3), ("7", 1), ('"users"', 1), ("[{}", 1), ("[\n{},\n]", 3), ('{"users": [}', 1),
    ("[{}] x", 1), ("[{'name': 'x'}]", 1), ('[{"name": "x", "name": "y"}]', 1), ('{"a": {},\n "a": {}}', 2),
    ("[" * 100_000, 1), ('[{"name": ' + "[" * 100_000, 1), ('{"a":' * 50_000, 1), ('[{"up": ' + "9" * 5000 + "}]", 1),
    ('[{"up": NaN}]', 1), ('[{"up": Infinity}]', 1), ("{1: 2}", 1), (b"\xff\xfe[\x00]\x00", 1),
    ("[" + "{}," * MOST_IMPORTED + "{}]", 1),
    ("{" + ",".join(f'"user {number}": {{}}' for number in range(MOST_IMPORTED + 1)) + "}", 1),
    ('{"users": {' + ",".join(f'"user {number}": {{}}' for number in range(MOST_IMPORTED + 1)) + "}}", 1),
    ('[{"name": "x"},\n{"name": "y", "note": ' + "[" * 20 + "{}," * 10**6 + "]" * 20 + "}]", 2),
    ('[{"name": "x"},\n{"name": "y", "note": "' + "n" * 10**6 + '"}]', 2), ('{"' + "n" * 10**6 + '": {}}', 1),
    ('[{"name": "x"},\n{"name": "y",\n"note": ' + "\\" + "}]", 3),
    ('[\n{' + ", ".join(f'"key {number}": 0' for number in range(100)) + "}]", 2),
    ('{"users": [\n{' + ", ".join(f'"key {number}": 0' for number in range(100)) + "}]}", 2),
    ('{"format": "stealth-vpn users", "version": 2, "users": []}', 1),
    ('{"format": "stealth-vpn users", "users": []}', 1),
])
def test_a_broken_file_is_one_fault_with_its_line(database: Database, text: str | bytes, line: int) -> None:
    report = take(database, text)
    assert [fault.line for fault in report.faults] == [line]
    assert "; " in report.faults[0].sentence
    assert len(report.faults[0].sentence) < 250
    assert told(database) == []


@pytest.mark.parametrize("number", [2**60 + 1, 2**63, 2**64, 10**30, -1, 1e19])
@pytest.mark.parametrize("key", ["limit", "used", "up", "down"])
def test_a_number_that_no_column_holds_is_refused_in_a_sentence(database: Database, key: str, number: float) -> None:
    (fault,) = take(database, {"alice": {key: number}}).faults
    assert fault.sentence.endswith("; correct it.")
    assert told(database) == []


def test_of_very_many_faults_the_first_are_told_and_the_others_counted(database: Database) -> None:
    report = take(database, "[" + ",\n".join('{"a": 1, "b": 2, "c": 3}' for _ in range(500)) + "]")
    assert len(report.faults) == 1001
    assert report.faults[-1].sentence.startswith("There are 1000 faults more")
    assert (report.faults[-1].line, told(database)) == (251, [])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2**70, 2**70) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6)
FIELD = st.sampled_from([
    "name", "note", "quota_bytes", "quota_period", "expires_at", "closed_protocols", "is_enabled", "secrets", "usage",
    "created_at", "period_began_at", "up_bytes", "wireguard_number", "uuid", "password", "limit", "expiry", "enabled"])
NAME = st.sampled_from(["alice", "ALICE", "bob", "../../x", "a\x00b", "\ud800", "x\u202ey", "", "w" * 65])
USER = st.dictionaries(FIELD, JSON, max_size=4) | st.builds(
    lambda name, more: {**more, "name": name}, NAME, st.dictionaries(FIELD, JSON, max_size=2))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(USER, max_size=4), st.booleans(), st.sampled_from(["refuse", "skip", "replace"]))
def test_a_hostile_file_is_taken_whole_or_not_at_all(
    database: Database, hostile: list[Any], own: bool, on_clash: OnClash,
) -> None:
    before = told(database)
    header = {"format": "stealth-vpn users", "version": 1}
    report = take(database, {**header, "users": hostile} if own else hostile, on_clash)
    if report.faults:
        assert told(database) == before
        assert (report.created, report.replaced, report.skipped) == (0, 0, 0)
    else:
        assert report.created + report.replaced + report.skipped == len(hostile)
        assert len(told(database)) == len(before) + report.created
    assert str(report).encode(), "a report can be sent"


NAMES = st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="/\\"), min_size=1, max_size=20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES, max_size=4), st.text(max_size=30), st.integers(0, 2**60), st.datetimes(
    datetime(2000, 1, 2), datetime(8999, 1, 1), timezones=st.just(UTC)))
def test_whatever_users_there_are_an_export_makes_them_again(
    database: Database, second: Database, names: list[str], note: str, used: int, expires_at: datetime,
) -> None:
    for store in (database, second):
        with store.write() as session:
            for user in users.search(session, UserQuery(size=200)).users:
                session.delete(user)
    for name in names:
        try:
            with database.write() as session:
                made = users.create(session, OPERATOR, SERVER, NewUser(name=name, note=note, expires_at=expires_at))
                made.period_used_bytes = made.up_bytes = used
        except users.UserError:
            continue
    assert take(second, exported(database)).created == len(told(database))
    assert told(second) == told(database)


def test_addresses_are_kept_where_they_are_free_and_given_anew_where_not(database: Database, second: Database) -> None:
    fill(database, "alice", "bob")
    fill(second, "carol")
    take(second, exported(database))
    assert {user["name"]: user["wireguard_number"] for user in told(second)} == {"carol": 2, "bob": 4, "alice": 6}


def test_an_import_into_a_full_subnet_names_those_without_wireguard(database: Database) -> None:
    with database.write() as session:
        report = exchange.import_users(session, OPERATOR, replace(SERVER, wireguard_subnet="10.0.0.0/30"), json.dumps(
            [{"name": "alice"}, {"name": "bob"}]))
    assert [sentence.split(" ")[0] for sentence in report.lacks] == ["alice", "bob"]


def test_an_import_stands_in_the_audit_log_for_each_user_with_one_revision(database: Database) -> None:
    take(database, [{"name": "alice"}, {"name": "bob"}])
    with database.read() as session:
        assert {user.revision for user in session.query(User)} == {1}
        assert broken_at(session) is None


def test_the_audit_log_says_what_an_import_did_from_what_and_no_secret(database: Database, second: Database) -> None:
    fill(database, "alice", "bob")
    take(second, [{"name": "alice"}])
    take(second, exported(database), "replace")
    take(second, USERS_JSON, "skip")
    take(second, USERS_JSON, "replace", dry_run=True)
    take(second, USERS_JSON)
    with second.read() as session:
        entries = session.query(AuditEntry).order_by(AuditEntry.id).all()
    assert [(entry.target, entry.detail) for entry in entries if entry.action == "users.import"] == [
        ("users.json", {"created": 1, "replaced": 0, "skipped": 0}),
        ("stealth-vpn users", {"created": 1, "replaced": 1, "skipped": 0}),
        ("users.json", {"created": 0, "replaced": 0, "skipped": 2})]
    assert [(entry.target.split()[0], entry.detail) for entry in entries if entry.action == "user.import"] == [
        ("alice", {"as": "created"}), ("alice", {"as": "replaced"}), ("bob", {"as": "created"})]


def test_a_table_holds_no_secret_and_no_formula(database: Database) -> None:
    with database.write() as session:
        user = users.create(session, OPERATOR, SERVER, NewUser(name="=2+5", note='-cmd|"/c calc"', quota_bytes=7))
    with database.read() as session:
        text = "".join(exchange.export_csv(session))
    head, row = csv.reader(text.splitlines())
    cells = dict(zip(head, row, strict=True))
    assert (cells["name"], cells["note"], cells["quota_bytes"], cells["status"]) == (
        "'=2+5", "'-cmd|\"/c calc\"", "7", "active")
    assert not any(word in text for secret in user.secrets.values()
                   for word in (secret.values() if isinstance(secret, dict) else [secret]))
