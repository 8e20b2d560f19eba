import re
from dataclasses import fields
from pathlib import Path

import pulumi
import pytest

from components.errors import SettingsError
from components.settings import Settings, config_key
from tests.settings import SCHEMA, load


def test_the_defaults_of_the_schema_are_accepted() -> None:
    settings = load()
    assert (settings.https_port, settings.network_subnet) == (443, "172.20.0.0/16")
    assert settings.dns_servers == ["1.1.1.1", "8.8.8.8"]
    assert settings.allow_sys_module is False


def test_schema_and_settings_name_the_same_keys() -> None:
    assert {config_key(field.name) for field in fields(Settings)} == set(SCHEMA)


def test_every_key_of_the_schema_has_a_description() -> None:
    assert [key for key, entry in SCHEMA.items() if not entry.get("description")] == []


def test_every_key_of_the_schema_stands_in_the_readme() -> None:
    readme = Path("README.md").read_text()
    assert [key for key in SCHEMA if f"`{key}`" not in readme] == []


@pytest.mark.parametrize(("key", "value", "rule"), [
    ("domain", "not a host", "host name"),
    ("domain", "localhost", "host name"),
    ("domain", "192.0.2.1", "host name"),
    ("domain", "-a.example", "host name"),
    ("email", "nobody", "mail address"),
    ("email", "a b@example.com", "mail address"),
    ("email", "me@nowhere", "host name"),
    ("adminUsername", "", "letters"),
    ("adminUsername", "ädmin", "letters"),
    ("adminUsername", "ops", "the panel's audit log"),
    ("adminUsername", "Panel", "the panel's audit log"),
    ("tls", "none", "one of internal, acme, files"),
    ("buildOn", "there", "one of here, host"),
    ("acmeDirectory", "http://ca.example.com/directory", "such as https://"),
    ("acmeDirectory", "https://ca.example.com/{x", "such as https://"),
    ("httpsPort", 0, "between 1 and 65535"),
    ("trojanPort", 65536, "between 1 and 65535"),
    ("httpsPort", 80, "httpPort of Caddy uses that port already"),
    ("xrayWebsocketPort", 8001, "xrayVisionPort of Xray uses that port already"),
    ("singboxTuicPort", 8005, "singboxHysteriaPort of sing-box uses that port already"),
    ("vpnSubnet", "10.66.66.1/24", "without host bits"),
    ("vpnSubnet", "172.20.9.0/24", "must not overlap"),
    ("vpnSubnet", "10.66.66.0/30", "at most /29"),
    ("vpnSubnet", "8.8.8.0/24", "private range"),
    ("networkSubnet", "172.20.0.0/28", "at most /24"),
    ("networkSubnet", "fd00::/64", "IPv4 subnet"),
    ("vpnSubnet6", "fd00::1/64", "without host bits"),
    ("vpnSubnet6", "10.0.0.0/24", "IPv6 subnet"),
    ("vpnSubnet6", "fd9c:3b1e:7a20:1::/64", "must not overlap networkSubnet6"),
    ("vpnSubnet6", "2001:db8::/64", "fc00::/7"),
    ("networkSubnet6", "fd00::/112", "at most /64"),
    ("networkSubnet6", "fe80::/64", "fc00::/7"),
    ("dnsServers", ["dns.example.com"], "IP address"),
    ("dnsServers", [], "at least one resolver"),
    ("dnsServers", [53], "list of strings"),
    ("egressAllow", ["192.168.10.1/24"], "without host bits"),
    ("egressAllow", ["nas.home"], "must be a network"),
    ("egressAllow", ["8.8.8.0/24"], "private range"),
    ("egressAllow", ["0.0.0.0/0"], "private range"),
    ("egressAllow", ["127.0.0.0/8"], "private range"),
    ("egressAllow", ["169.254.169.254/32"], "private range"),
    ("egressAllow", ["192.168.10.0/24", "172.20.0.15/32"], "must not overlap networkSubnet"),
    ("egressAllow", ["172.16.0.0/12"], "must not overlap networkSubnet"),
    ("egressAllow", ["10.66.0.0/16"], "must not overlap vpnSubnet"),
    ("egressAllow", ["172.21.0.0/28"], "must not overlap the control network"),
    ("egressAllow", ["fd00::/8"], "must not overlap the cloud's metadata at fd00:ec2::254"),
    ("egressRefuse", ["vpn.example.com"], "must be a network"),
    ("timeZone", "Mars/Base", "IANA time zone"),
    ("rateLimitAdmin", 0, "at least 1"),
    ("sessionTimeoutSeconds", 5, "at least 60"),
    ("openFilesLimit", 10, "at least 1024"),
    ("logLevel", "LOUD", "one of DEBUG"),
    ("logMaxSize", "10MB", "log size"),
    ("healthInterval", "30", "duration"),
    ("healthTimeout", "0s", "longer than nothing"),
    ("mode", "tiny", "one of full, minimal"),
    ("resourceProfile", "huge", "one of auto"),
    ("dataDir", "data", "absolute path"),
    ("dataDir", "/", "absolute path"),
    ("dataDir", "/srv/../etc", "absolute path"),
    ("dataDir", "/srv/$(reboot)", "absolute path"),
    ("dataDir", "/srv/a b", "absolute path"),
    ("dataDir", "/srv/logs\n", "absolute path"),
    ("dockerHost", "tcp://192.0.2.1:2375", "unix:/// or ssh://"),
])
def test_a_bad_value_is_refused_with_its_key_its_rule_and_the_fix(
    key: str, value: object, rule: str,
) -> None:
    with pytest.raises(SettingsError, match=re.escape(rule)) as refused:
        load(**{key: value})
    assert str(refused.value).startswith(f"{key} is ")
    assert f"`pulumi config set {key} <value>`" in str(refused.value)


@pytest.mark.parametrize(("network", "key"), [
    ("fd9c:3b1e:7a20:1::/64", "networkSubnet6"), ("fd9c:3b1e:7a20:2::8/128", "vpnSubnet6")])
def test_with_ipv6_the_server_s_own_networks_of_it_are_not_for_clients(network: str, key: str) -> None:
    load(egressAllow=[network])
    with pytest.raises(SettingsError, match=f"it must not overlap {key}"):
        load(egressAllow=[network], ipv6=True)


@pytest.mark.parametrize(("given", "missing"), [
    ("tlsKeyFile", "tlsCertificateFile"), ("tlsCertificateFile", "tlsKeyFile")])
def test_files_of_the_operator_s_own_must_both_be_named(given: str, missing: str) -> None:
    with pytest.raises(SettingsError, match=f"{missing} is empty, but `tls: files` needs it"):
        load(tls="files", **{given: "there.pem"})


@pytest.mark.parametrize(("key", "value"), [
    ("databaseUrl", "sqlite:///hunter2.db"), ("databaseUrl", "postgresql://panel:hunter2@db/panel"),
    ("alertWebhookUrl", "file:///hunter2"), ("alertSmtpUrl", "https://user:hunter2@mail.example.com")])
def test_a_bad_secret_is_refused_and_not_shown(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"{key} is not valid .*`pulumi config set --secret {key} ") as refused:
        load(**{key: value})
    assert "hunter2" not in str(refused.value)


def test_a_secret_that_stands_in_clear_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime.config, "is_config_secret", lambda _: False)
    with pytest.raises(SettingsError, match=r"databaseUrl stands in clear .*--secret databaseUrl"):
        load(databaseUrl="postgresql+psycopg://panel:hunter2@db/panel")


@pytest.mark.parametrize(("given", "missing"), [
    ({"alertSmtpUrl": "smtps://mail.example.com"}, "alertMailTo"), ({"alertMailTo": "me@example.com"}, "alertSmtpUrl")])
def test_mail_needs_a_server_and_somebody_to_send_it_to(given: dict[str, object], missing: str) -> None:
    with pytest.raises(SettingsError, match=f"{missing} is empty, but "):
        load(**given)


def test_a_misspelt_key_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"htpsPort is no configuration key.*config rm htpsPort"):
        load(htpsPort=443)


def test_ports_of_different_services_may_be_equal() -> None:
    assert load(trojanPort=8001).trojan_port == load().xray_vision_port


def test_go_durations_with_several_parts_are_accepted() -> None:
    assert load(healthStartPeriod="1m30s").health_start_period == "1m30s"
