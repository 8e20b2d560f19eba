"""The state in a real S3 bucket: what the commands do before and after a deploy, with the real Pulumi and no engine."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import backend, locks, stack
from ops.errors import OperatorError
from ops.stack import Stack
from tests import s3
from tests.integration.project import TOOLS
from tests.integration.transit import KEY, TOKEN, transit
from tests.ops.test_stack import dead_pid

pytestmark = pytest.mark.integration

LOCKS = Path("s3/bucket/vpn/.pulumi/locks/organization/stealth-vpn/prod")


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return s3.build(tmp_path_factory.mktemp("rclone"))


def checkout(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make a folder in which Pulumi finds the stack prod and can run nothing; returns what the commands show."""
    folder.mkdir()
    options = f"{{toolchain: pip, virtualenv: {sys.prefix}}}"
    (folder / "Pulumi.yaml").write_text(f"name: stealth-vpn\nruntime: {{name: python, options: {options}}}\n")
    (folder / "Pulumi.prod.yaml").write_text("config: {}\n")
    enter(folder, monkeypatch)
    return []


def enter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "ROOT", folder)
    monkeypatch.setattr(backend, "ROOT", folder)
    monkeypatch.setattr(stack, "LOG_FOLDER", folder / ".pulumi" / "logs")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(folder / ".pulumi-passphrase"))


@pytest.fixture
def bucket(rclone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty bucket whose credentials are this process's."""
    for name in [name for name in os.environ if name.startswith(("PULUMI_", "AWS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{TOOLS}:{os.environ['PATH']}")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_SKIP_UPDATE_CHECK", "true")
    # The tests' machine may be one of a cloud's, which would be asked for a role.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with s3.bucket(rclone, tmp_path) as (port, credentials):
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
        address = f"s3://bucket/vpn?endpoint=http://127.0.0.1:{port}&region=us-east-1&s3ForcePathStyle=true"
        monkeypatch.setenv("PULUMI_BACKEND_URL", address)
        yield address


@pytest.fixture
def made(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Stack, list[str]]:
    """The stack prod, which nothing has been deployed to, and what its commands show."""
    shown = checkout(tmp_path / "first", monkeypatch)
    found = Stack("prod", shown.append)
    found.prepare()
    return found, shown


def lock(folder: Path, pid: int, machine: str) -> Path:
    file = folder / LOCKS / "one.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"pid": pid, "username": "deploy", "hostname": machine,
                                "timestamp": "2026-11-30T16:00:00.5+01:00"}))
    return file


def test_what_one_checkout_makes_another_one_finds(
    made: tuple[Stack, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (made[0].is_made(), made[0].has_resources(), made[0].has_pending_operations(), made[0].locks()) == (
        True, False, False, [])
    first = made[0].call("stack", "export")
    checkout(tmp_path / "second", monkeypatch)
    for name in ("Pulumi.prod.yaml", ".pulumi-passphrase"):
        (tmp_path / "second" / name).write_bytes((tmp_path / "first" / name).read_bytes())
    second = Stack("prod", made[1].append)
    second.prepare()
    assert second.call("stack", "export") == first
    assert made[1] == []
    assert not (tmp_path / "second" / ".pulumi" / "stacks").exists()


def test_the_lock_of_a_killed_run_is_taken_away_by_the_next_command(
    made: tuple[Stack, list[str]], tmp_path: Path,
) -> None:
    file = lock(tmp_path, dead_pid(), socket.gethostname())
    (found,) = made[0].locks()
    assert found.is_dead
    made[0].prepare()
    assert made[1] == ["A former run was ended by force; its lock is taken away."]
    assert not file.exists()
    made[0].restore(made[0].call("stack", "export"))


def test_the_lock_of_another_machine_stays_and_is_named(
    made: tuple[Stack, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locks, "_LOCK_SECONDS", 0)
    file = lock(tmp_path, 12, "runner")
    made[0].prepare()
    # Both the short commands and the long ones.
    for attempt in (lambda: made[0].restore(made[0].call("stack", "export")), lambda: made[0].run("destroy", "--yes")):
        with pytest.raises(OperatorError) as refused:
            attempt()
        assert str(refused.value).splitlines()[0] == (
            "stack prod is locked by process 12 of deploy@runner since 2026-11-30 15:00 UTC. Wait for the end of that "
            "run, and try again; if it was killed, `toolchain/run.sh pulumi cancel --yes --stack prod` takes its lock "
            "away.")
    assert file.exists()


@pytest.mark.parametrize(("replaced", "by", "meaning"), [
    ("bucket/vpn", "another/vpn", "there is no such bucket there"),
    ("127.0.0.1", "127.0.0.2", "it does not answer"),
    ("s3://", "nowhere://", "Pulumi knows no such place")])
def test_an_address_with_nothing_behind_it_is_told_in_one_sentence(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: str, by: str, meaning: str,
) -> None:
    checkout(tmp_path / "first", monkeypatch)
    address = bucket.replace(replaced, by)
    monkeypatch.setenv("PULUMI_BACKEND_URL", address)
    with pytest.raises(OperatorError) as refused:
        Stack("prod", lambda _: None).prepare()
    assert str(refused.value).startswith(f"the state at {address} cannot be had: {meaning}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("access", "secret", "meaning"), [
    ("", "", "no credentials for it are here"), ("other", s3.SECRET, "it refuses these credentials"),
    (s3.ACCESS, "other", "it refuses these credentials")])
def test_credentials_that_open_nothing_are_told_in_one_sentence(
    made: tuple[Stack, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, access: str, secret: str,
    meaning: str,
) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(
        s3.credentials(tmp_path / "others", access, secret) if access else tmp_path / "not-there"))
    for command in (made[0].prepare, made[0].is_made, made[0].export, made[0].has_pending_operations):
        with pytest.raises(OperatorError, match=f"^the state at s3://bucket/vpn.* cannot be had: {meaning}"):
            command()
    with pytest.raises(OperatorError, match=f"^the state at s3://bucket/vpn.* cannot be had: {meaning}"):
        made[0].run("destroy", "--yes")


def test_the_passphrase_changes_by_the_steps_of_the_document(made: tuple[Stack, list[str]], tmp_path: Path) -> None:
    made[0].call("config", "set", "--secret", "databaseUrl", "kept")
    folder = tmp_path / "first"
    text = (Path(__file__).parents[2] / "docs" / "state.md").read_text()
    steps = text.partition("# Another passphrase for a shared state")[2].partition("\n\n")[0].replace(
        "toolchain/run.sh ", "")
    subprocess.run(["bash", "-euc", steps.replace("prod", "prod")], cwd=folder, check=True, capture_output=True)
    former = folder / ".pulumi-passphrase.former"
    assert former.read_text() != (folder / ".pulumi-passphrase").read_text()
    assert made[0].call("config", "get", "databaseUrl") == "kept\n"
    os.environ["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(former)
    with pytest.raises(OperatorError, match="passphrase"):
        made[0].call("config", "get", "databaseUrl")


@pytest.fixture
def vault(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout whose stack's file names a key of Vault, and that has what opens it."""
    checkout(tmp_path / "first", monkeypatch)
    (tmp_path / "first" / "Pulumi.prod.yaml").write_text(f"secretsprovider: hashivault://{KEY}\nconfig: {{}}\n")
    with transit() as address:
        monkeypatch.setenv("VAULT_ADDR", address)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield tmp_path / "first"


def test_a_key_service_of_the_stack_s_file_encrypts_and_no_passphrase_is_made(vault: Path) -> None:
    made = Stack("prod", lambda _: None)
    made.prepare()
    made.call("config", "set", "--secret", "databaseUrl", "kept")
    text = (vault / "Pulumi.prod.yaml").read_text()
    assert f"secretsprovider: hashivault://{KEY}\nencryptedkey: " in text
    assert not {"kept", "encryptionsalt"} & set(text.split())
    assert not (vault / ".pulumi-passphrase").exists()
    # As another checkout, and as a restore, finds it.
    second = Stack("prod", lambda _: None)
    second.prepare()
    assert second.call("config", "get", "databaseUrl") == "kept\n"
    assert json.loads(second.call("stack", "export"))["deployment"]["secrets_providers"]["type"] == "cloud"


@pytest.mark.parametrize(("name", "value", "said"), [
    ("VAULT_TOKEN", "another", "permission denied"), ("VAULT_ADDR", "", "VAULT_ADDR environment variables are set"),
    ("VAULT_ADDR", "http://127.0.0.1:9", "connection refused")])
def test_a_key_that_cannot_be_used_is_told_in_one_sentence(
    vault: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str,
) -> None:
    monkeypatch.setenv("VAULT_MAX_RETRIES", "0")
    made = Stack("prod", lambda _: None)
    monkeypatch.setenv(name, value)
    with pytest.raises(OperatorError) as refused:
        made.prepare()
    begin = f"the key hashivault://{KEY}, which encrypts the secrets of stack prod, cannot be used: "
    assert str(refused.value).startswith(begin)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
