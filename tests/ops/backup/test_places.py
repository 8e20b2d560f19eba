from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.errors import SettingsError
from ops.backup import places
from ops.backup.repository import Repository, Snapshot
from ops.errors import OperatorError
from tests.settings import load

NOW = datetime(2026, 11, 30, 3, 30, tzinfo=UTC)
FOUND = [Snapshot(id=f"{number:08x}", stack=stack, made_at=NOW + timedelta(days=number), size_bytes=1)
         for number, stack in enumerate(["local", "prod", "local"])]
REPOSITORY = Repository(address="/backups", key_file=Path("key"))


@pytest.mark.parametrize(("where", "place", "snapshot"), [
    ("latest", "", "latest"), ("1a2b3c4d", "", "1a2b3c4d"), ("/mnt/usb", "/mnt/usb", "latest"),
    ("/mnt/usb@1a2b3c4d", "/mnt/usb", "1a2b3c4d"), ("backups", "backups", "latest"),
    ("sftp:me@host:/vpn", "sftp:me@host:/vpn", "latest"), ("sftp:me@host:/vpn@latest", "sftp:me@host:/vpn", "latest"),
    ("s3:https://host/bucket@1a2b3c4d5e6f", "s3:https://host/bucket", "1a2b3c4d5e6f"),
])
def test_place_and_snapshot_are_told_apart(where: str, place: str, snapshot: str) -> None:
    assert places.split(where) == (place, snapshot)


def test_a_folder_that_is_named_like_a_snapshot_is_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deadbeef").mkdir()
    assert places.split("deadbeef") == ("deadbeef", "latest")


def test_the_latest_or_a_named_backup_of_the_stack_is_chosen() -> None:
    assert places.choose(FOUND, "latest", "local", REPOSITORY) == FOUND[2]
    assert places.choose(FOUND, "00000000", "local", REPOSITORY) == FOUND[0]


@pytest.mark.parametrize(("snapshot", "stack", "said"), [
    ("00000001", "local", r"has no backup 00000001 of local\. `ops backup list` shows all"),
    ("latest", "mine", r"no backup of the stack mine\. It has some of local, prod: add STACK=local"),
])
def test_a_backup_that_is_not_there_is_told_with_those_that_are(snapshot: str, stack: str, said: str) -> None:
    with pytest.raises(OperatorError, match=said):
        places.choose(FOUND, snapshot, stack, REPOSITORY)


def test_a_relative_folder_is_one_of_the_project() -> None:
    assert places.at("backups", root=Path("/project")).address == "/project/backups"
    assert places.at("/mnt/usb", root=Path("/project")).address == "/mnt/usb"
    assert places.at("s3:https://h/b", "keys", root=Path("/project")).credentials_file == Path("/project/keys")


@pytest.mark.parametrize("target", [
    "backups", "/mnt/usb/vpn backups", "sftp:me@example.com:/srv/vpn", "sftp:me@example.com:vpn",
    "sftp://me@example.com:2222//srv/vpn", "s3:https://s3.example.com/bucket", "s3:http://127.0.0.1:9000/bucket/a/b"])
def test_a_place_that_backups_can_go_to_is_taken(target: str) -> None:
    assert load(backupTarget=target).backup_target == target


@pytest.mark.parametrize("target", [
    "", "-o", "rest:https://host/", "ftp://host/a", "sftp:example.com", "sftp:me:secret@example.com:/srv",
    "sftp:-oProxyCommand=x@h:/srv", "s3:https://key:secret@s3.example.com/bucket", "s3:s3.example.com/bucket",
    "s3:https://s3.example.com/"])
def test_a_place_that_is_none_or_would_show_a_secret_is_refused(target: str) -> None:
    with pytest.raises(SettingsError, match=r"^backupTarget is .+, but .+\. Fix it with `pulumi config set"):
        load(backupTarget=target)


def test_what_is_kept_is_numbers_of_periods() -> None:
    assert places.keep({"backupKeep": "3 last, 7 daily"}) == {"last": 3, "daily": 7}
    assert places.keep({"backupKeep": ""}) == {}


@pytest.mark.parametrize("keep", ["7", "7 days", "0 daily", "-1 daily", "daily 7", "7 daily, 8 daily", "\u0667 daily"])
def test_what_names_no_number_of_a_period_is_refused(keep: str) -> None:
    with pytest.raises(SettingsError, match=r"^backupKeep is .+, but it must be numbers of last, hourly"):
        load(backupKeep=keep)


def test_a_fault_of_the_settings_is_told_by_the_command_before_anything_is_made() -> None:
    with pytest.raises(OperatorError, match="backupTarget is rest:"):
        places.configured({"backupTarget": "rest:https://h/", "backupCredentialsFile": "", "backupKeep": ""})
