"""The file of a stack changes by program without a loss of what people wrote into it."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.configuration.stack_file import StackFile, edited
from ops.configuration.variables import Given
from ops.errors import OperatorError
from ops.target import ROOT

WRITTEN = """\
# Ours, since 2026.
encryptionsalt: v1:abc
config:
  # The domain
  stealth-vpn:domain: example.org  # bought in May
  stealth-vpn:email: admin@example.org
  stealth-vpn:dnsServers:
    - 1.1.1.1
    - 9.9.9.9
  stealth-vpn:alertSmtpUrl:
    secure: v1:xyz
  stealth-vpn:alertMailTo: ops@example.org
"""


def given(**values: object) -> dict[str, Given]:
    return {key: Given(value=value, origin=f"{key} of a test") for key, value in values.items()}


@pytest.fixture
def file(tmp_path: Path) -> StackFile:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / "Pulumi.mine.yaml").write_text(WRITTEN)
    return StackFile("mine", tmp_path)


@pytest.mark.parametrize("text", [
    WRITTEN, WRITTEN.rstrip(), "", "# nothing\n", "config:\n", "config: {}\n", "config: {stealth-vpn:domain: a.b}\n",
    "config:\n  stealth-vpn:dnsServers: [1.1.1.1]\nencryptionsalt: v1:abc\n",
    "config:\n    stealth-vpn:dnsServers:\n    - 1.1.1.1\n\n# end\nencryptionsalt: v1:abc\n",
    "encryptionsalt: v1:abc\n"])
def test_whatever_form_the_file_has_only_the_values_change(text: str) -> None:
    changes: dict[str, Any] = {"stealth-vpn:domain": "new.example.org", "stealth-vpn:dnsServers": ["8.8.8.8", "::1"],
                               "stealth-vpn:httpsPort": 8443, "stealth-vpn:email": "yes: #no"}
    before = yaml.safe_load(text) or {}
    after = yaml.safe_load(edited(text, changes))
    assert after == before | {"config": (before.get("config") or {}) | changes}
    kept = [line for line in text.splitlines() if line.startswith(("#", "  #", "encryption")) or "secure" in line]
    assert [line for line in kept if line not in edited(text, changes).splitlines()] == []


def test_comments_and_secrets_stay_and_the_file_is_replaced_at_once(file: StackFile) -> None:
    file.path.chmod(0o640)
    before = file.path.stat().st_ino
    file.write(given(domain="new.example.org"))
    assert file.path.read_text() == WRITTEN.replace("domain: example.org", "domain: new.example.org")
    assert file.path.stat().st_mode & 0o777 == 0o640
    assert file.path.stat().st_ino != before
    assert sorted(entry.name for entry in file.path.parent.iterdir()) == ["Pulumi.mine.yaml", "Pulumi.yaml"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    file: StackFile, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        file.write(given(domain="new.example.org"))
    assert file.path.read_text() == WRITTEN
    assert len(list(file.path.parent.iterdir())) == 2


def test_a_stack_without_a_file_gets_one(file: StackFile) -> None:
    made = StackFile("other", file.path.parent)
    made.write(given(domain="example.org", email="a@example.org"))
    assert yaml.safe_load(made.path.read_text()) == {
        "config": {"stealth-vpn:domain": "example.org", "stealth-vpn:email": "a@example.org"}}


def test_only_what_differs_is_a_change_whatever_pulumi_made_of_its_type(file: StackFile) -> None:
    file.write(given(httpsPort="8443"))
    again = StackFile("mine", file.path.parent)
    assert list(again.changes(given(httpsPort=8443, domain="example.org", httpPort=80, tls="acme"))) == ["tls"]


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"sessionTimeoutSeconds": 5}, "sessionTimeoutSeconds is 5, .* from sessionTimeoutSeconds of a test; change it"),
    ({"email": "nobody"}, "email is nobody, but it must be a mail address"),
    ({"tls": "files"}, "tlsCertificateFile is empty, .* comes from Pulumi.mine.yaml"),
    ({"wireguardPort": 1}, "wireguardPort in Pulumi.mine.yaml is no configuration key")])
def test_what_the_program_would_refuse_is_refused_with_where_it_comes_from(
    file: StackFile, changes: dict[str, object], sentence: str,
) -> None:
    with pytest.raises(OperatorError, match=sentence) as refused:
        file.judge(given(**changes))
    assert "pulumi config set" not in str(refused.value)


def test_encrypted_values_pass_and_what_is_required_is_missed(file: StackFile) -> None:
    file.judge(given(mode="minimal"))
    with pytest.raises(OperatorError, match=r"domain has no value in Pulumi\.none\.yaml, but it is required"):
        StackFile("none", file.path.parent).judge({})


def test_a_stack_is_settled_once_pulumi_has_made_it(file: StackFile) -> None:
    assert file.is_settled
    file.path.write_text("config:\n  stealth-vpn:domain: example.org\n")
    assert not file.is_settled
    assert not StackFile("none", file.path.parent).is_settled
