import json
import os
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import pytest

from ops.backup import archive
from ops.backup.repository import Repository, Snapshot
from ops.backup.restoring import Restore
from ops.errors import OperatorError

REPOSITORY = Repository(address="/backups", key_file=Path("key"))
SNAPSHOT = Snapshot(id="1a2b3c4d", stack="local", made_at=datetime(2026, 11, 30, 3, 30, tzinfo=UTC), size_bytes=1)
STATE = json.dumps({"deployment": {"secrets_providers": {"type": "passphrase"}, "resources": []}}).encode()


@pytest.fixture(autouse=True)
def passphrase_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    return tmp_path / "passphrase"


def restore(root: Path, files: Mapping[str, bytes] = MappingProxyType({}), config: str = "config: {}\n") -> Restore:
    held = {archive.STATE: STATE, archive.PASSPHRASE: b"of the backup",
            f"{archive.FILES}Pulumi.local.yaml": config.encode(), **files}
    about = archive.About(stack="local", made_at="", domain="", version="")
    return Restore(REPOSITORY, SNAPSHOT, archive.Contents(about=about, files=held, store_bytes=1), root)


def test_files_come_back_and_what_was_there_stays_beside_them(tmp_path: Path, passphrase_file: Path) -> None:
    (tmp_path / "Pulumi.local.yaml").write_text("of this checkout\n")
    restore(tmp_path, {"files/site/index.html": b"<html>", "files/own.key": b"private"}).put_files()
    assert (tmp_path / "Pulumi.local.yaml").read_text() == "config: {}\n"
    assert (tmp_path / "Pulumi.local.yaml.before-restore").read_text() == "of this checkout\n"
    assert (tmp_path / "site" / "index.html").read_text() == "<html>"
    assert passphrase_file.read_text() == "of the backup\n"
    for file in (passphrase_file, tmp_path / "own.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_replaced_is_there_all_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "Pulumi.local.yaml"
    file.write_text("of this checkout\n")

    def die(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", die)
        with pytest.raises(KeyboardInterrupt):
            restore(tmp_path).put_files()
    assert file.read_text() == "of this checkout\n"
    restore(tmp_path).put_files()
    assert file.read_text() == "config: {}\n"
    assert file.with_name("Pulumi.local.yaml.before-restore").read_text() == "of this checkout\n"


def test_a_second_restore_leaves_the_copy_of_the_first(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.local.yaml").write_text("of this checkout\n")
    for _ in range(2):
        restore(tmp_path).put_files()
    assert (tmp_path / "Pulumi.local.yaml.before-restore").read_text() == "of this checkout\n"


@pytest.mark.parametrize("name", ["/etc/cron.d/evil", "../evil", "site/../../evil"])
def test_a_backup_that_would_write_outside_the_project_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OperatorError, match="outside of the project"):
        restore(tmp_path, {f"files/{name}": b"evil"})


def test_a_link_in_the_project_leads_no_file_out_of_it(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "site").symlink_to(tmp_path)
    with pytest.raises(OperatorError, match="outside of the project"):
        restore(root, {"files/site/evil": b"evil"})


def test_the_operator_s_own_certificate_may_lie_elsewhere(tmp_path: Path) -> None:
    root, key = tmp_path / "project", tmp_path / "tls" / "own.pem"
    root.mkdir()
    restore(root, {f"files/{key}": b"private"}, f"config:\n  stealth-vpn:tlsKeyFile: {key}\n").put_files()
    assert key.read_bytes() == b"private"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_state_without_what_opens_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="has no passphrase for its state"):
        restore(tmp_path, {archive.PASSPHRASE: b""})


def other_stack(root: Path) -> None:
    folder = root / ".pulumi" / "stacks" / "stealth-vpn"
    folder.mkdir(parents=True)
    (folder / "prod.json").write_text("{}")


@pytest.mark.parametrize(("here", "is_alone", "is_refused"), [
    ("", True, False), ("of the backup\n", False, False), ("another\n", True, False), ("another\n", False, True)])
def test_a_passphrase_that_other_stacks_need_is_never_put_away(
    tmp_path: Path, passphrase_file: Path, here: str, is_alone: bool, is_refused: bool,
) -> None:
    if here:
        passphrase_file.write_text(here)
    if not is_alone:
        other_stack(tmp_path)
    made = restore(tmp_path)
    if is_refused:
        with pytest.raises(OperatorError, match=r"other stacks need it\. Name another file by PULUMI_"):
            made.refuse_other_passphrase()
    else:
        made.refuse_other_passphrase()


def test_another_passphrase_of_the_environment_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "another")
    with pytest.raises(OperatorError, match="PULUMI_CONFIG_PASSPHRASE is not that of the backup"):
        restore(tmp_path).refuse_other_passphrase()


def test_the_engine_is_that_of_the_configuration(tmp_path: Path) -> None:
    assert restore(tmp_path).docker_host == "unix:///var/run/docker.sock"
    assert restore(tmp_path, config="config:\n  stealth-vpn:dockerHost: ssh://me@host\n").docker_host == "ssh://me@host"
