"""What operators see of a fleet's hosts and may do to them: store, API, pages, numbers and alerts."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import select

from panel import PanelConfig, fleet
from panel.alerts import conditions, watch
from panel.audit import PANEL
from panel.engines import Uncounted
from panel.store.accounts import AuditEntry
from panel.store.alerts import Alarm
from panel.store.database import Database
from panel.users import UserError
from panel.web import warnings
from panel.web.overview import engine_states
from tests.admin.api.conftest import Api
from tests.admin.fleet import NAMES, configured, heard, served
from tests.admin.panel_file import METRICS_TOKEN
from tests.admin.people import Browser
from tests.admin.test_metrics import read


@pytest.fixture
def app(config: PanelConfig, database: Database, compiled_templates: FileSystemBytecodeCache) -> Flask:
    return served(config, database, compiled_templates)


@pytest.fixture
def api(app: Flask) -> Api:
    return Api(app.test_client())


def drained(database: Database) -> set[str]:
    with database.read() as session:
        return fleet.drained(session)


def drain(database: Database, config: PanelConfig, name: str, is_drained: bool = True) -> None:
    with database.write() as session:
        fleet.drain(session, PANEL, configured(config), name, is_drained)


def noted(database: Database) -> list[tuple[str, str]]:
    with database.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("host.")))
        return [(entry.action, entry.target) for entry in entries]


def test_each_change_of_a_host_is_in_the_audit_log_once(database: Database, config: PanelConfig) -> None:
    for is_drained in (True, True, False, False):
        drain(database, config, "two", is_drained)
    assert noted(database) == [("host.drain", "two"), ("host.undrain", "two")]
    assert drained(database) == set()


def test_the_last_host_cannot_be_drained(database: Database, config: PanelConfig) -> None:
    drain(database, config, "main")
    drain(database, config, "three")
    with pytest.raises(UserError, match="two is the last host that users are told of, so it cannot be drained; add a"):
        drain(database, config, "two")
    assert drained(database) == {"main", "three"}
    drain(database, config, "three", False)
    drain(database, config, "two")


@pytest.mark.integration
def test_two_who_drain_the_last_two_hosts_at_once_leave_one(on_postgresql: Database, config: PanelConfig) -> None:
    drain(on_postgresql, config, "main")

    def attempt(name: str) -> str:
        try:
            drain(on_postgresql, config, name)
        except UserError as fault:
            return fault.field
        return ""

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, ("two", "three"))) == ["", "drained"]
    assert len(drained(on_postgresql)) == 2


def test_a_host_that_has_left_the_fleet_is_not_drained_when_it_comes_again(
    database: Database, config: PanelConfig,
) -> None:
    whole = configured(config)
    for name in ("main", "two"):
        drain(database, config, name)
    smaller = dataclasses.replace(whole, hosts={"three": whole.hosts["three"]})
    for given, left in ((whole, {"main", "two"}), (smaller, {"main"}), (config, set())):
        with database.write() as session:
            fleet.start(session, given)
        assert drained(database) == left
    assert noted(database)[2:] == [("host.undrain", "two"), ("host.undrain", "main")]


def test_the_api_shows_each_host_and_drains_it(app: Flask, api: Api) -> None:
    heard(app, two=90)
    shown = api("GET", "/hosts")
    assert [(host["name"], host["domain"], host["is_healthy"], host["drained"]) for host in shown] == [
        ("main", "example.com", True, False), ("two", "two.example", False, False),
        ("three", "three.example", True, False)]
    assert api("PUT", "/hosts/two", {"drained": True})["drained"] is True
    assert [host["drained"] for host in api("GET", "/hosts")] == [False, True, False]
    assert api("PUT", "/hosts/two", {"drained": False})["drained"] is False


@pytest.mark.parametrize("body", [{}, {"drained": None}, {"drained": "perhaps"}, {"drained": True, "name": "x"}])
def test_what_says_nothing_of_a_host_is_refused(api: Api, body: dict[str, Any]) -> None:
    api("PUT", "/hosts/two", body, status=422)


def test_the_api_says_which_hosts_there_are_and_why_the_last_one_stays(api: Api) -> None:
    answer = api("PUT", "/hosts/four", {"drained": True}, status=404)
    assert answer["message"] == "No host is called four; the hosts are main, two, three."
    for name in ("main", "two"):
        api("PUT", f"/hosts/{name}", {"drained": True})
    (sentence,) = api("PUT", "/hosts/three", {"drained": True}, status=422)["errors"]["json"]["drained"]
    assert sentence.startswith("three is the last host that users are told of")


def test_the_overview_names_hosts_and_engines_of_a_fleet(api: Api) -> None:
    shown = api("GET", "/overview")
    assert [host["name"] for host in shown["hosts"]] == list(NAMES)
    assert {"xray", "two/xray", "three/wireguard"} <= {engine["name"] for engine in shown["engines"]}


def test_the_server_s_page_drains_a_host_for_whoever_may_change_users(
    operator: Browser, reader: Browser, database: Database,
) -> None:
    assert "two.example" in reader.get("/server").text
    assert "/server/hosts/two/drain" not in reader.get("/server").text
    assert reader.post("/server/hosts/two/drain").status_code == 403
    assert "/server/hosts/two/drain" in operator.get("/server").text
    assert operator.post("/server/hosts/two/drain").status_code == 303
    assert drained(database) == {"two"}
    text = operator.get("/server").text
    assert "Users are told of host two no more." in text
    assert "/server/hosts/two/undrain" in text
    assert operator.client.post("/server/hosts/two/undrain").status_code in (400, 404), "without the form's token"
    assert operator.post("/server/hosts/four/drain").status_code == 404
    operator.post("/server/hosts/main/drain")
    operator.post("/server/hosts/three/drain")
    assert "three is the last host that users are told of" in operator.get("/server").text
    assert drained(database) == {"main", "two"}


def test_the_numbers_tell_hosts_apart(app: Flask, database: Database, config: PanelConfig) -> None:
    heard(app, two=90)
    drain(database, config, "three")
    app.extensions["engines"]._hosts[1].accountant.traffic.update({("tuic", "up"): 5})
    numbers = read(app.test_client())
    assert METRICS_TOKEN
    assert [numbers["stealth_host_healthy", name] for name in NAMES] == [1, 0, 1]
    assert [numbers["stealth_host_drained", name] for name in NAMES] == [0, 0, 1]
    assert numbers["stealth_traffic_bytes_total", "up", "two", "tuic"] == 5
    assert numbers["stealth_engine_state", "xray", "two", "pending"] == 1
    assert numbers["stealth_engine_users", "xray", "main"] == 0


def failed(app: Flask, name: str) -> None:
    """Let the engines of a host have lacked changes for a day."""
    for host in app.extensions["engines"]._hosts:
        if host.name == name:
            for one in host.synchronisers:
                one.health = dataclasses.replace(one.health, state="failed", fault="gone.",
                                                 confirmed_at=datetime.now(UTC) - timedelta(days=1))
            host.accountant.uncounted = {"xray": Uncounted(
                engine=f"{name}/xray", began_at=datetime.now(UTC) - timedelta(days=1), fault="gone.")}


def told(app: Flask) -> list[str]:
    overview = app.extensions["engines"].overview()
    return [one.key for one in conditions.found(overview, datetime.now(UTC), None, None)]


def test_a_host_that_is_away_is_one_alert_and_not_one_for_each_engine(app: Flask, database: Database) -> None:
    failed(app, "two")
    before = told(app)
    assert before == ["engine_failed two/xray", "engine_failed two/trojan", "engine_failed two/singbox",
                      "engine_failed two/wireguard", "traffic_uncounted two/xray"]
    overview = app.extensions["engines"].overview
    now = datetime.now(UTC)
    with database.write() as session:
        watch.tell_conditions(session, now, conditions.found(overview(), now, None, None), [])
    heard(app, two=90)
    assert told(app) == ["host_away two"]
    with database.write() as session:
        for minutes in (1, 30):
            later = now + timedelta(minutes=minutes)
            watch.tell_conditions(session, later, conditions.found(overview(), now, None, None), [],
                                  conditions.undecided(overview()))
        assert set(session.scalars(select(Alarm.key))) == {*before, "host_away two"}, "nobody knows that they are over"


def test_the_pages_name_the_host_that_is_away_and_show_the_others_engines(
    app: Flask, database: Database, config: PanelConfig,
) -> None:
    failed(app, "two")
    with app.test_request_context(headers={"Accept-Language": "en"}), database.read() as session:
        def sentences() -> list[str]:
            overview = app.extensions["engines"].overview()
            return [one.sentence for one in warnings.of_server(session, overview, config.alerts, datetime.now(UTC))
                    if one.kind == "bad"]

        assert [sentence.partition(" cannot")[0] for sentence in sentences()] == [
            "Xray (two)", "Trojan-Go (two)", "sing-box (two)", "WireGuard (two)"]
        assert engine_states()["xray"] == "failed"
        heard(app, two=90)
        (sentence,) = sentences()
        assert sentence.startswith("Host two does not answer: users' links leave it out")
        assert engine_states()["xray"] == "pending", "of the hosts that answer"
