"""The whole program under mocks, with further hosts: each server once, on its own engine, and the first one as ever."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from components.errors import SettingsError
from components.keys import TunnelKeys
from tests.engine import CONTAINER, IMAGE, NETWORK, SIGNATURE
from tests.policy.program import CONFIGURATIONS, Resource, run

FLEET = CONFIGURATIONS["fleet"]
ENGINES = {"xray", "trojan", "singbox", "wireguard"}
ONE_SERVER = Path(__file__).parent / "one_server.txt"


@pytest.fixture(scope="module")
def fleet() -> tuple[Resource, ...]:
    return run(FLEET)


@pytest.fixture(scope="module")
def one() -> tuple[Resource, ...]:
    return run({"databaseUrl": FLEET["databaseUrl"]})


def on(resources: tuple[Resource, ...], engine: str) -> list[Resource]:
    return [item for item in resources if item.provider and item.provider.name == engine]


def names(resources: list[Resource], kind: str) -> Counter[str]:
    return Counter(item.inputs["name"] for item in resources if item.kind == kind)


def delivered(resources: tuple[Resource, ...], writer: str) -> dict[str, str]:
    (found,) = [item for item in resources if item.name == writer]
    return {upload["file"]: _clear(upload["content"]) for upload in _clear(found.inputs["uploads"])}


def _clear(value: Any) -> Any:
    return value["value"] if isinstance(value, dict) and SIGNATURE in value else value


def test_a_server_alone_has_the_resources_that_it_always_had() -> None:
    # A new name here takes the old resource away on every server that is updated; it needs an alias.
    stack = "::pulumi:pulumi:Stack::"  # registered once in a process, by whichever test comes first
    assert [item.urn for item in run({}) if stack not in item.urn] == [
        urn for urn in ONE_SERVER.read_text().splitlines() if stack not in urn]


def test_the_panel_s_own_server_is_the_same_in_a_fleet(
    fleet: tuple[Resource, ...], one: tuple[Resource, ...],
) -> None:
    known = {item.urn: item for item in fleet}
    changed = {item.name for item in one
               if known[item.urn].inputs != item.inputs or known[item.urn].options != item.options}
    # The panel is told of the others.
    assert changed == {"stealth-admin", "stealth-admin-writer"}
    added = {item.name for item in set_of(fleet) - set_of(one)
             if not item.name.endswith(("-two", "-three"))}
    assert added == {"tunnel", "tunnel-delivery", "stealth-tunnel", "stealth-tunnel-writer", "stealth-tunnel-rendered",
                     "stealth-tunnel-image", "tunnel-seed"}


class _ByUrn:
    def __init__(self, item: Resource) -> None:
        self.name, self.urn = item.name, item.urn

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByUrn) and self.urn == other.urn

    def __hash__(self) -> int:
        return hash(self.urn)


def set_of(resources: tuple[Resource, ...]) -> set[_ByUrn]:
    return set(map(_ByUrn, resources))


def top(resources: tuple[Resource, ...], item: Resource) -> str:
    by_urn = {other.urn: other for other in resources}
    while (parent := by_urn.get(item.options["parent"])) and parent.kind != "pulumi:pulumi:Stack":
        item = parent
    return item.name


@pytest.mark.parametrize("host", ["two", "three"])
def test_each_further_host_has_all_engines_and_the_door_once_on_its_own_engine(
    fleet: tuple[Resource, ...], host: str,
) -> None:
    there = on(fleet, f"engine-{host}")
    services = {f"stealth-{name}" for name in (*ENGINES, "caddy")}
    assert names(there, CONTAINER) == Counter(services | {f"{name}-writer" for name in services})
    assert names(there, NETWORK) == Counter({"stealth-vpn": 1, "stealth-control": 1})
    assert all(item.name.endswith(f"-{host}") for item in there)
    assert {top(fleet, item) for item in there} == {f"server-{host}"}
    (engine,) = [item for item in fleet if item.name == f"engine-{host}"]
    assert engine.inputs["host"] == f"ssh://deploy@{host}.example.org"


def test_all_servers_run_the_images_that_were_built_once(fleet: tuple[Resource, ...]) -> None:
    built = [item.name for item in fleet if item.kind == IMAGE]
    assert len(built) == 8
    assert {item.provider.name for item in fleet if item.name in built and item.provider} == {"engine"}
    images: dict[str, set[str]] = {}
    for item in fleet:
        if item.kind == CONTAINER:
            images.setdefault(item.inputs["name"], set()).add(item.inputs["image"])
    assert {name for name, found in images.items() if len(found) > 1} == set()


def test_each_server_has_secrets_and_names_of_its_own(fleet: tuple[Resource, ...]) -> None:
    configs = [json.loads(delivered(fleet, f"stealth-xray-writer{end}")["/etc/stealth/config.json"])
               for end in ("", "-two", "-three")]
    reality = [config["inbounds"][0]["streamSettings"]["realitySettings"] for config in configs]
    assert len({entry["privateKey"] for entry in reality}) == 3
    assert [entry["serverNames"] for entry in reality] == [
        ["cdn.stealth.test"], ["cdn.two.example.org"], ["cdn.three.example.org"]]
    assert len({delivered(fleet, f"stealth-caddy-writer{end}")["/etc/stealth/ca.key"]
                for end in ("", "-two", "-three")}) == 3


def test_a_further_host_knows_nothing_of_the_panel(fleet: tuple[Resource, ...]) -> None:
    panel = json.loads(delivered(fleet, "stealth-admin-writer")["/etc/stealth/panel.json"])
    main = delivered(fleet, "stealth-caddy-writer")["/etc/stealth/Caddyfile"]
    for path in (panel["path"], panel["subscriptionPath"]):
        assert path in main
        for end in ("-two", "-three"):
            assert path not in delivered(fleet, f"stealth-caddy-writer{end}")["/etc/stealth/Caddyfile"]


def test_the_tunnel_leads_from_each_place_that_the_panel_knows_to_that_engine_s_agent(
    fleet: tuple[Resource, ...],
) -> None:
    panel = json.loads(delivered(fleet, "stealth-admin-writer")["/etc/stealth/panel.json"])["hosts"]
    tunnel = json.loads(delivered(fleet, "stealth-tunnel-writer")["/etc/stealth/tunnel.json"])
    agents = {"xray": 11, "trojan": 12, "singbox": 13, "wireguard": 14}
    assert {host["name"]: host["address"] for host in tunnel["hosts"]} == {
        "two": "two.example.org:22", "three": "three.example.org:22"}
    for host in tunnel["hosts"]:
        leads = {port["listen"]: port["to"] for port in host["ports"]}
        known = panel[host["name"]]["engines"]
        assert {engine: leads[entry["url"].removeprefix("http://")] for engine, entry in known.items()} == {
            engine: f"172.21.0.{number}:8020" for engine, number in agents.items()}
        assert len(leads) == 4
    places = [port["listen"] for host in tunnel["hosts"] for port in host["ports"]]
    assert len(set(places)) == 8
    assert all(place.startswith("172.21.0.16:") for place in places)
    assert tunnel["privateKey"] == TunnelKeys.from_seed("result-of-tunnel-seed").private_key


def test_the_panel_s_tokens_and_facts_of_a_host_are_that_host_s(fleet: tuple[Resource, ...]) -> None:
    two = json.loads(delivered(fleet, "stealth-admin-writer")["/etc/stealth/panel.json"])["hosts"]["two"]
    for engine in ENGINES:
        told = json.loads(delivered(fleet, f"stealth-{engine}-writer-two")["/etc/stealth/agent.json"])
        assert two["engines"][engine]["token"] == told["token"]
    assert two["server"]["domain"] == "two.example.org"
    assert two["server"]["authority"] == delivered(fleet, "stealth-caddy-writer-two")["/etc/stealth/ca.crt"]


def test_nothing_of_one_server_depends_on_another(fleet: tuple[Resource, ...]) -> None:
    # An update may then leave a host out that does not answer, and nothing else waits for it.
    def strangers(item: Resource, end: str) -> list[str]:
        return [other.name for other in fleet if other.name.endswith(end) and other.urn in json.dumps(item.inputs)]

    for item in fleet:
        for end in ("-two", "-three"):
            if not item.name.endswith(end):
                assert strangers(item, end) == []


def test_a_host_that_does_not_answer_holds_up_no_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(address: str) -> int:
        if "two" in address:
            raise SettingsError("two does not answer")
        return 1

    monkeypatch.setattr("components.sizing.cpu_count", asked)
    memory = {item.name: item.inputs["memory"] for item in run({**FLEET, "resourceProfile": "auto"})
              if item.kind == CONTAINER and item.name.startswith("stealth-xray") and "writer" not in item.name}
    assert memory == {"stealth-xray": 256, "stealth-xray-two": 512, "stealth-xray-three": 256}


def test_a_further_server_s_certificates_are_those_of_its_domain() -> None:
    resources: Any = run({**FLEET, "tls": "acme"})
    for host in ("two", "three"):
        first = delivered(resources, f"stealth-certificates-writer-{host}")
        assert {Path(file).name for file in first} == {
            f"{name}.{host}.example.org.{end}" for name in ("q", "t") for end in ("key", "pem")}
