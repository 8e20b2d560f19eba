import dataclasses
import json
import re
from pathlib import Path

import pytest

from panel.config import ConfigError, PanelConfig
from tests.admin.panel_file import PASSWORD_HASH, PATH, SECRETS, SESSION_KEY, VALUES, write, write_text


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
])
def test_a_bad_value_is_refused_with_its_key_its_rule_and_the_fix(
    tmp_path: Path, key: str, value: object, rule: str,
) -> None:
    fault = fault_of(write(tmp_path, **{key: value}))
    assert fault.startswith(f"{key} is ")
    assert rule in fault
    assert fault.endswith("; correct it in panel.json.")
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
