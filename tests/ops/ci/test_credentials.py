"""scripts/ci-credentials.sh, and that what it wrote is used."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from ops.ci import place

ROOT = Path(__file__).parents[3]
GIVEN = {"PULUMI_PASSPHRASE": "words for a test", "SSH_KEY": "a private key",
         "SSH_KNOWN_HOSTS": "host ssh-ed25519 AAAA", "STATE_CREDENTIALS": "[default]\naws_access_key_id = x"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "ci-credentials.sh", tmp_path / "scripts")
    return tmp_path


def run(folder: Path, word: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(folder / "scripts" / "ci-credentials.sh"), word], capture_output=True, text=True,
                          check=False, timeout=30, env={"PATH": os.environ["PATH"], **environment})


def test_what_was_given_is_in_files_for_this_user_only_and_in_no_line(folder: Path) -> None:
    # As a CI with a loose mask would have it.
    former = os.umask(0)
    try:
        done = run(folder, "write", **GIVEN)
    finally:
        os.umask(former)
    assert done.returncode == 0, done.stderr
    secrets = folder / ".ci-secrets"
    assert {name: (secrets / file).read_text() for name, file in {
        "PULUMI_PASSPHRASE": "passphrase", "SSH_KEY": "ssh-key", "SSH_KNOWN_HOSTS": "known_hosts",
        "STATE_CREDENTIALS": "state-credentials"}.items()} == {name: f"{text}\n" for name, text in GIVEN.items()}
    assert all(stat.S_IMODE(file.stat().st_mode) & 0o077 == 0 for file in (secrets, *secrets.rglob("*")))
    assert not any(text in done.stdout + done.stderr for text in GIVEN.values())


def test_wiped_is_wiped(folder: Path) -> None:
    run(folder, "write", **GIVEN)
    assert run(folder, "wipe").returncode == 0
    assert not (folder / ".ci-secrets").exists()
    assert run(folder, "wipe").returncode == 0


@pytest.mark.parametrize(("missing", "sentence"), [
    ("PULUMI_PASSPHRASE", "PULUMI_PASSPHRASE is empty"), ("SSH_KNOWN_HOSTS", "SSH_KNOWN_HOSTS is not")])
def test_without_it_nothing_is_written(folder: Path, missing: str, sentence: str) -> None:
    done = run(folder, "write", **{**GIVEN, missing: ""})
    assert done.returncode == 1
    assert sentence in done.stderr
    assert not (folder / ".ci-secrets").exists()


def test_a_stack_whose_secrets_a_key_service_encrypts_wants_no_passphrase(folder: Path) -> None:
    (folder / "Pulumi.prod.yaml").write_text("secretsprovider: hashivault://stealth\nconfig: {}\n")
    done = run(folder, "write", STACK="prod", **{**GIVEN, "PULUMI_PASSPHRASE": ""})
    assert done.returncode == 0, done.stderr
    assert not (folder / ".ci-secrets" / "passphrase").exists()
    assert run(folder, "write", STACK="staging", **{**GIVEN, "PULUMI_PASSPHRASE": ""}).returncode == 1


def test_what_opens_a_state_goes_to_the_program_of_its_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(folder, "write", **GIVEN)
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "AWS_SHARED_CREDENTIALS_FILE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.setenv(name, "before")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "gs://bucket")
    place.enter(folder / ".ci-secrets")
    assert os.environ["GOOGLE_APPLICATION_CREDENTIALS"] == f"{folder}/.ci-secrets/state-credentials"
    assert os.environ["AWS_SHARED_CREDENTIALS_FILE"] == "before"


def test_a_wrong_word_shows_the_right_ones(folder: Path) -> None:
    done = run(folder, "show")
    assert (done.returncode, "write|wipe" in done.stderr) == (2, True)


def test_ssh_takes_that_key_and_knows_that_host_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(folder, "write", **GIVEN)
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    monkeypatch.delenv("AWS_SHARED_CREDENTIALS_FILE", raising=False)
    place.enter(folder / ".ci-secrets")
    # -G prints what ssh would do, and does nothing (ssh(1)).
    shown = subprocess.run(["ssh", "-G", "somewhere"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert {f"identityfile {folder}/.ci-secrets/ssh-key", f"userknownhostsfile {folder}/.ci-secrets/known_hosts",
            "stricthostkeychecking true", "batchmode yes", "identitiesonly yes"} <= set(shown)
    assert os.environ["PULUMI_CONFIG_PASSPHRASE_FILE"] == f"{folder}/.ci-secrets/passphrase"
    assert os.environ["AWS_SHARED_CREDENTIALS_FILE"] == f"{folder}/.ci-secrets/state-credentials"


def test_without_files_all_stays_as_the_operator_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", "/own")
    before = dict(os.environ)
    place.enter(tmp_path / ".ci-secrets")
    assert dict(os.environ) == before
