"""One link that tells of several hosts, and which of them."""

import base64
import configparser
import dataclasses
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import FileSystemBytecodeCache

from panel import PanelConfig
from panel.audit import PANEL
from panel.config import ServerFacts
from panel.fleet import HostHealth, drain, told
from panel.protocols import PROTOCOLS
from panel.store.database import Database
from panel.subscriptions import every_way
from panel.subscriptions.access import Told
from panel.subscriptions.formats import FORMATS
from panel.subscriptions.links import share_links
from tests.admin import through_caddy
from tests.admin.fleet import NAMES, configured, heard, served
from tests.admin.subscriptions.people import user
from tests.admin.subscriptions.test_links import LINKED
from tests.admin.subscriptions.test_views import Reader

DOMAINS = {"main": "example.com", "two": "two.example", "three": "three.example"}


@pytest.fixture
def fleet(config: PanelConfig) -> Told:
    servers = configured(config).servers
    return Told(own=servers["main"], servers=servers, is_fleet=True)


@pytest.fixture
def app(config: PanelConfig, database: Database, compiled_templates: FileSystemBytecodeCache) -> Flask:
    return served(config, database, compiled_templates)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return through_caddy.client(app)


@pytest.fixture
def reader(config: PanelConfig, database: Database, client: FlaskClient) -> Reader:
    return Reader(config, database, client)


def titles(server: ServerFacts) -> list[str]:
    return [f"{PROTOCOLS[name].title} {server.domain}" for name in LINKED]


def test_links_are_those_of_every_host_one_after_the_other(fleet: Told) -> None:
    lines = FORMATS["plain"].render(fleet, user()).splitlines()
    assert lines == [link for server in fleet.servers.values() for link in share_links(server, user()).values()]
    assert len({line.rpartition("#")[2] for line in lines}) == len(lines) == 3 * len(LINKED), "each has its own name"


@pytest.mark.parametrize(("form", "names", "group"), [
    ("sing-box", lambda file: [one["tag"] for one in file["outbounds"]],
     lambda file: file["outbounds"][1]["outbounds"]),
    ("mihomo", lambda file: [one["name"] for one in file["proxies"]],
     lambda file: file["proxy-groups"][1]["proxies"]),
])
def test_programs_choose_among_the_ways_of_all_hosts_by_names_that_say_which(
    fleet: Told, form: str, names: Callable[[Any], list[str]], group: Callable[[Any], list[str]],
) -> None:
    file = yaml.safe_load(FORMATS[form].render(fleet, user()))
    wanted = [title for server in fleet.servers.values() for title in titles(server)]
    assert group(file) == wanted
    assert len(set(names(file))) == len(names(file))
    assert set(wanted) <= set(names(file))


def test_each_way_goes_to_its_own_host_with_that_host_s_keys_and_root(fleet: Told) -> None:
    file = json.loads(FORMATS["sing-box"].render(fleet, user()))
    by_tag = {one["tag"]: one for one in file["outbounds"]}
    for server in fleet.servers.values():
        reality, site = (by_tag[f"{PROTOCOLS[name].title} {server.domain}"] for name in (
            "vlessReality", "vlessWebsocket"))
        assert reality["server"] == server.names["cdn"]
        assert reality["tls"]["reality"]["short_id"] == server.reality_short_id
        assert site["transport"]["path"] == server.websocket_path
        assert site["tls"]["certificate"] == server.authority.splitlines()
        tunnelled = by_tag[f"{PROTOCOLS['shadowtls'].title} {server.domain}"]
        assert by_tag[tunnelled["detour"]]["server"] == server.names["img"]


def test_mihomo_trusts_the_roots_of_all_hosts(fleet: Told) -> None:
    file = yaml.safe_load(FORMATS["mihomo"].render(fleet, user()))
    assert file["tls"]["custom-certifactes"] == [server.authority for server in fleet.servers.values()]


def test_xray_balances_over_the_ways_of_all_hosts(fleet: Told) -> None:
    file = json.loads(FORMATS["xray"].render(fleet, user()))
    tags = [one["tag"] for one in file["outbounds"] if one["tag"].startswith("proxy-")]
    assert len(set(tags)) == len(tags) == 9
    assert file["routing"]["balancers"][0]["fallbackTag"] == tags[0] == "proxy-vlessReality-example.com"
    assert file["remarks"] == "alice@example.com", "the link's own name, whichever host comes first"


def test_json_names_each_host(fleet: Told) -> None:
    found = json.loads(FORMATS["json"].render(fleet, user()))
    assert found == {name if host == "main" else f"{host}/{name}": text for host, server in fleet.servers.items()
                     for name, text in every_way(server, user()).items()}


def test_the_roots_of_all_hosts_are_one_file(fleet: Told) -> None:
    text = FORMATS["authority"].render(fleet, user())
    assert re.findall(r"^-----BEGIN CERTIFICATE-----\n(\S+)\n-----END CERTIFICATE-----$", text, re.M) == [
        "MIIB", "MIIB0", "MIIB1"]
    same = dataclasses.replace(fleet, servers=dict.fromkeys(fleet.servers, fleet.own))
    assert same.authority == fleet.own.authority


def test_a_host_that_is_the_only_one_told_keeps_its_name(fleet: Told) -> None:
    alone = fleet.only("two")
    assert json.loads(FORMATS["sing-box"].render(alone, user()))["outbounds"][1]["outbounds"] == titles(alone.first)


HOSTS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=6).map(lambda states: [
    HostHealth(name=f"h{number}", domain="", is_healthy=is_healthy, drained=drained, seen_at=None)
    for number, (is_healthy, drained) in enumerate(states)])


@given(hosts=HOSTS, user_id=st.integers(1, 99))
def test_told_are_the_healthy_that_are_not_drained_or_else_the_not_drained(
    hosts: list[HostHealth], user_id: int,
) -> None:
    names = told(hosts, user_id)
    staying = {host.name for host in hosts if not host.drained}
    healthy = {host.name for host in hosts if host.is_healthy}
    assert len(set(names)) == len(names) > 0, "a link is never empty"
    assert set(names) == (staying & healthy or staying or healthy or {host.name for host in hosts})


@given(hosts=HOSTS, user_id=st.integers(1, 99))
def test_a_host_that_goes_leaves_the_others_in_their_order(hosts: list[HostHealth], user_id: int) -> None:
    well = [dataclasses.replace(host, is_healthy=True, drained=False) for host in hosts]
    before = told(well, user_id)
    for gone in well[1:]:
        assert told([host for host in well if host is not gone], user_id) == [
            name for name in before if name != gone.name]


def test_hosts_share_the_people_whose_programs_take_the_first_way() -> None:
    hosts = [HostHealth(name=name, domain="", is_healthy=True, drained=False, seen_at=None) for name in NAMES]
    firsts = [told(hosts, user_id)[0] for user_id in range(1, 301)]
    assert all(firsts.count(name) > 70 for name in NAMES)


def domains(reader: Reader) -> set[str]:
    text = base64.b64decode(reader.get("links").data).decode()
    return {name for name, domain in DOMAINS.items() if f"%40{domain}\n" in text}


def test_the_link_follows_health(reader: Reader, app: Flask) -> None:
    assert domains(reader) == {"main", "two", "three"}
    heard(app, two=61)
    assert domains(reader) == {"main", "three"}
    heard(app, two=50)
    assert domains(reader) == {"main", "two", "three"}
    heard(app, main=61, two=61, three=61)
    assert domains(reader) == {"main", "two", "three"}, "the panel may have lost its own ways to them"


def test_the_link_follows_what_is_drained(
    reader: Reader, app: Flask, config: PanelConfig, database: Database,
) -> None:
    with database.write() as session:
        drain(session, PANEL, configured(config), "main", True)
    assert domains(reader) == {"two", "three"}, "the panel's own host can be drained as well"
    answer = reader.get("links")
    assert base64.b64decode(answer.headers["Profile-Title"].removeprefix("base64:")) == b"alice@example.com"
    assert "alice@example.com.txt" in answer.headers["Content-Disposition"]
    heard(app, two=61, three=61)
    assert domains(reader) == {"two", "three"}, "a drained one is not told of even then"
    with database.write() as session:
        drain(session, PANEL, configured(config), "main", False)
    assert domains(reader) == {"main"}


def test_wireguard_s_file_is_asked_for_by_host(reader: Reader) -> None:
    for name, domain in DOMAINS.items():
        answer = reader.get(f"wireguard&host={name}")
        file = configparser.RawConfigParser()
        file.read_string(answer.text)
        assert file["Peer"]["Endpoint"] == f"www.{domain}:443"
        assert f"filename={domain[:15]}.conf" in answer.headers["Content-Disposition"]
    assert reader.get("wireguard").status_code == 200, "of the first, where none is named"


def test_a_host_that_is_not_told_cannot_be_asked_for(reader: Reader, app: Flask) -> None:
    heard(app, two=61)
    for name in ("two", "four", ""):
        assert reader.get(f"wireguard&host={name}").status_code == 404


def test_the_page_shows_each_way_of_each_host_with_its_file(reader: Reader) -> None:
    page = reader.page()
    for name, domain in DOMAINS.items():
        assert f"WireGuard {domain}" in page
        assert f"format=wireguard&amp;host={name}" in page
