import dataclasses
import json
import re
from pathlib import Path

import pytest

from panel.config import ConfigError, PanelConfig
from tests.admin.panel_file import (
    ALERTS,
    HOST,
    PASSWORD_HASH,
    PATH,
    SECRETS,
    SERVER,
    SESSION_KEY,
    VALUES,
    write,
    write_text,
)


def fault_of(file: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        PanelConfig.load(file)
    return str(refused.value)


def assert_one_sentence_without_secrets(fault: str) -> None:
    assert "\n" not in fault
    assert fault.endswith(".")
    assert "; " in fault, "the fix follows the fault"
    assert [secret for secret in SECRETS if secret in fault] == []


def test_every_key_reaches_its_field(tmp_path: Path) -> None:
    config = PanelConfig.load(write(tmp_path))
    assert (config.port, config.path, config.session_key) == (8010, PATH, SESSION_KEY)
    assert (config.admin_username, config.admin_password_hash) == ("admin", PASSWORD_HASH)
    assert (config.session_timeout_seconds, config.login_rate_per_minute) == (3600, 5)
    assert config.log_level == "DEBUG"


@pytest.mark.parametrize(("key", "value", "rule"), [
    ("port", 0, "from 1 to 65535"),
    ("port", 65536, "from 1 to 65535"),
    ("port", "8010", "whole number"),
    ("port", 8010.0, "whole number"),
    ("port", True, "whole number"),
    ("port", None, "whole number"),
    ("proxyAddress", "caddy", "an IPv4 address"),
    ("proxyAddress", "::1", "an IPv4 address"),
    ("path", "a1b2c3d4e5f60718293a4b5c", "a slash and 16 to 64"),
    ("path", PATH + "/", "a slash and 16 to 64"),
    ("path", PATH + "\n", "a slash and 16 to 64"),
    ("path", "/health", "a slash and 16 to 64"),
    ("path", "/" + "a" * 65, "a slash and 16 to 64"),
    ("path", "/<path:all>0123456789", "a slash and 16 to 64"),
    ("path", 1, "a slash and 16 to 64"),
    ("sessionKey", "k" * 31, "32 to 256 visible"),
    ("sessionKey", SESSION_KEY + " ", "32 to 256 visible"),
    ("adminUsername", "", "letters, digits and _"),
    ("adminUsername", "1st", "letters, digits and _"),
    ("adminUsername", "adm\u0131n", "letters, digits and _"),
    ("adminPasswordHash", "secret", "bcrypt hash"),
    ("adminPasswordHash", PASSWORD_HASH.replace("$10$", "$04$"), "cost from 10 to 16"),
    ("adminPasswordHash", PASSWORD_HASH.replace("$10$", "$31$"), "cost from 10 to 16"),
    ("sessionTimeoutSeconds", 59, "at least 60"),
    ("loginRatePerMinute", 0, "at least 1"),
    ("logLevel", "debug", "one of DEBUG, INFO, WARNING, ERROR"),
    ("subscriptionPath", "/s", "a slash and 16 to 64"),
    ("passwordPepper", "short", "32 to 256 visible"),
    ("subscriptionKey", "short", "32 to 256 visible"),
    ("metricsToken", "short", "32 to 256 visible"),
    ("databaseUrl", "mysql://panel:hunter2@db/panel", "sqlite:/// or postgresql+psycopg://"),
    ("engines", [], "it must be an object"),
    ("engines", {"hysteria": {}}, "keys are among xray, trojan, singbox, wireguard"),
    ("server", [], "an object, or null"),
    ("alerts", None, "it must be an object"),
    ("hosts", [], "it must be an object"),
    ("hosts", {"main": HOST}, "not main"),
    ("hosts", {"Two": HOST}, "lower-case letters, digits and hyphens"),
    ("hosts", {"two/three": HOST}, "lower-case letters, digits and hyphens"),
    ("hosts", {"h" * 33: HOST}, "lower-case letters, digits and hyphens"),
])
def test_a_bad_value_is_refused_with_its_key_its_rule_and_the_fix(
    tmp_path: Path, key: str, value: object, rule: str,
) -> None:
    fault = fault_of(write(tmp_path, **{key: value}))
    assert fault.startswith(f"{key} is ")
    assert rule in fault
    assert fault.endswith("; correct it in panel.json.")
    assert_one_sentence_without_secrets(fault)


@pytest.mark.parametrize(("part", "changes", "fault"), [
    ("engines", {"xray": {"url": "http://xray:8020", "token": "t" * 43}}, "engines.xray.url is \"http://xray:8020\", "),
    ("engines", {"xray": {"url": "http://172.21.0.11:8020", "token": "hunter2"}}, "engines.xray.token is not valid"),
    ("engines", {"xray": {"url": "http://172.21.0.11:8020"}}, "engines.xray.token is missing, "),
    ("engines", {"xray": "hunter2"}, "engines.xray is no object, "),
    ("server", SERVER | {"port": 0}, "server.port is 0, but it must be a whole number from 1 to 65535"),
    ("server", SERVER | {"wireguardSubnet": "10.66.66.1/24"}, "server.wireguardSubnet is "),
    ("server", SERVER | {"wireguardSubnet6": "10.66.66.0/24"}, "server.wireguardSubnet6 is "),
    ("server", SERVER | {"dnsServers": []}, "server.dnsServers is [], "),
    ("server", SERVER | {"dnsServers": ["resolver"]}, "server.dnsServers is "),
    ("server", SERVER | {"shadowtlsPassword": "hunter2"}, "server.shadowtlsPassword is not valid (it is secret"),
    ("server", SERVER | {"authority": "no certificate"}, "server.authority is "),
    ("server", SERVER | {"names": {"www": "www.example.com"}}, "server.names.cdn is missing, "),
    ("server", SERVER | {"nmaes": {}}, "server.nmaes is no key of the panel; "),
    ("hosts", {"two": {}}, "hosts.two.engines is missing, "),
    ("hosts", {"two": HOST | {"engines": {}}}, "hosts.two.engines is "),
    ("hosts", {"two": HOST | {"engines": {"xray": {"url": "http://172.21.0.11:8020", "token": "hunter2"}}}},
     "hosts.two.engines.xray.token is not valid"),
    ("hosts", {"two": HOST | {"server": SERVER | {"port": 0}}}, "hosts.two.server.port is 0, "),
    ("hosts", {"two": HOST | {"server": SERVER}},
     "hosts.two.server.domain is example.com, but that is the domain of main, "),
    ("hosts", {"two": HOST, "three": HOST},
     "hosts.three.server.domain is two.example, but that is the domain of two, "),
    ("alerts", ALERTS | {"webhookUrl": "file:///etc/passwd"}, "alerts.webhookUrl is not valid (it is secret"),
    ("alerts", ALERTS | {"smtpUrl": "hunter2"}, "alerts.smtpUrl is not valid (it is secret"),
    ("alerts", ALERTS | {"mailTo": "nobody"}, "alerts.mailTo is \"nobody\", "),
])
def test_a_fault_inside_a_part_is_named_by_its_whole_place(
    tmp_path: Path, part: str, changes: dict[str, object], fault: str,
) -> None:
    found = fault_of(write(tmp_path, **{part: changes}))
    assert found.startswith(fault)
    assert "hunter2" not in found
    assert_one_sentence_without_secrets(found)


def test_users_links_have_a_path_of_their_own(tmp_path: Path) -> None:
    assert fault_of(write(tmp_path, subscriptionPath=PATH)).startswith("subscriptionPath is the path of the panel, ")


def test_each_part_reaches_its_fields(tmp_path: Path) -> None:
    config = PanelConfig.load(write(tmp_path))
    assert config.engines["wireguard"].url == "http://172.21.0.14:8020"
    assert config.server is not None
    assert (config.server.reality_short_id, config.server.dns_servers) == (
        SERVER["realityShortId"], ("1.1.1.1", "8.8.8.8"))
    assert config.alerts.mail_to == ""
    assert "" not in config.secrets, "it would be found in every line"


def test_a_further_host_has_engines_and_a_server_of_its_own(tmp_path: Path) -> None:
    config = PanelConfig.load(write(tmp_path, hosts={"two": HOST}))
    assert config.hosts["two"].engines["xray"].url == "http://172.21.0.16:8101"
    assert {name: server.domain for name, server in config.servers.items()} == {
        "main": "example.com", "two": "two.example"}
    assert {"8899aabb0011223344556677", "short-lived-token-of-the-agent-of-xray-on-two"} <= set(config.secrets)


def test_further_hosts_without_a_server_for_users_links_are_refused(tmp_path: Path) -> None:
    fault = fault_of(write(tmp_path, engines={}, server=None, hosts={"two": HOST}))
    assert fault.startswith("hosts has entries, but server is null, ")
    assert_one_sentence_without_secrets(fault)


@pytest.mark.parametrize("key", ["path", "sessionKey", "adminPasswordHash"])
def test_a_bad_secret_is_not_shown(tmp_path: Path, key: str) -> None:
    assert "hunter2" not in fault_of(write(tmp_path, **{key: "hunter2"}))


@pytest.mark.parametrize("key", VALUES)
def test_a_missing_key_is_named_for_nothing_has_a_default(tmp_path: Path, key: str) -> None:
    rest = {name: value for name, value in VALUES.items() if name != key}
    fault = fault_of(write_text(tmp_path, json.dumps(rest)))
    assert fault.startswith(f"{key} is missing, but it must be ")
    assert_one_sentence_without_secrets(fault)


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    assert fault_of(write(tmp_path, prot=1)) == "prot is no key of the panel; remove it from panel.json."


@pytest.mark.parametrize(("text", "start"), [
    ("", "panel.json is no JSON at line 1, column 1"),
    ('{"port": 1,\n "path"}', "panel.json is no JSON at line 2, column 8"),
    (b"\xff\xfe\x00", "panel.json is no JSON text in UTF-8"),
    ("[" * 100_000, "panel.json is no JSON text in UTF-8"),
    ("[]", "panel.json holds no JSON object"),
    ('{"port": 1, "port": 2}', "port stands 2 times in panel.json"),
])
def test_a_broken_file_is_one_sentence(tmp_path: Path, text: str | bytes, start: str) -> None:
    fault = fault_of(write_text(tmp_path, text))
    assert fault.startswith(start)
    assert_one_sentence_without_secrets(fault)


def test_a_missing_file_is_named_with_its_folder(tmp_path: Path) -> None:
    assert fault_of(tmp_path / "panel.json") == f"panel.json is missing; deliver it to {tmp_path}."


def test_a_folder_in_the_place_of_the_file_is_one_sentence(tmp_path: Path) -> None:
    fault = fault_of(tmp_path)
    assert "cannot be read (Is a directory); make it a file of mode 0400" in fault
    assert_one_sentence_without_secrets(fault)


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o644, 0o420])
def test_a_file_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    fault = fault_of(write_text(tmp_path, json.dumps(VALUES), mode))
    assert f"panel.json has mode {mode:04o}" in fault
    assert_one_sentence_without_secrets(fault)


def test_the_time_zone_is_the_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert PanelConfig.load(write(tmp_path)).time_zone.key == "Europe/Berlin"


def test_without_a_time_zone_it_is_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)
    assert PanelConfig.load(write(tmp_path)).time_zone.key == "UTC"


@pytest.mark.parametrize("zone", ["Mars/Base", "Europe", "/etc/passwd", "../x"])
def test_an_unknown_time_zone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str,
) -> None:
    monkeypatch.setenv("TZ", zone)
    fault = fault_of(write(tmp_path))
    assert fault.startswith(f"TZ is {zone}, but it must be an IANA time zone; ")
    assert_one_sentence_without_secrets(fault)


def test_no_secret_stands_in_the_configurations_repr(config: PanelConfig) -> None:
    assert re.search("|".join(map(re.escape, SECRETS)), f"{config!r} {config}") is None


def test_the_configuration_cannot_be_changed(config: PanelConfig) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.port = 1  # type: ignore[misc] # that is the claim
