"""The passphrase is another one for all stacks at once, with Pulumi itself."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ops import stack as stacks
from ops.errors import OperatorError
from ops.journal import Journal
from ops.rotate import passphrase
from ops.stack import Stack

pytestmark = pytest.mark.integration

TOOLS = Path(".toolchain").resolve()
VALUE = "sqlite:////secret-of-the-tests"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two stacks, each with a secret in its configuration and its state."""
    monkeypatch.setenv("PATH", f"{TOOLS / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    monkeypatch.setenv("PULUMI_SKIP_UPDATE_CHECK", "1")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(tmp_path / "phrase"))
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.setattr(stacks, "ROOT", tmp_path)
    monkeypatch.setattr(stacks, "LOG_FOLDER", tmp_path / ".pulumi" / "logs")
    shutil.copy("Pulumi.yaml", tmp_path)
    for name in ("local", "other"):
        (tmp_path / f"Pulumi.{name}.yaml").write_text("config:\n  stealth-vpn:domain: stealth.test\n")
        made = Stack(name, lambda _: None)
        made.prepare()
        made.call("config", "set", "--secret", "databaseUrl", VALUE)
        made.restore(with_secret(name, made.call("stack", "export")))
    return tmp_path


def with_secret(stack: str, export: str) -> str:
    """Return a state with an output that Pulumi encrypts when it is imported."""
    state = json.loads(export)
    urn = f"urn:pulumi:{stack}::stealth-vpn::pulumi:pulumi:Stack::stealth-vpn-{stack}"
    state["deployment"]["resources"] = [{
        "urn": urn, "type": "pulumi:pulumi:Stack", "outputs": {
            "panelUrl": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
                         "plaintext": json.dumps("secret-output")}}}]
    return json.dumps(state)


def shown(name: str) -> tuple[str, str]:
    made = Stack(name, lambda _: None)
    return (made.call("config", "get", "databaseUrl").strip(),
            "secret-output" if "secret-output" in made.call("stack", "export", "--show-secrets") else "")


def rotate(folder: Path) -> list[str]:
    said: list[str] = []
    passphrase.rotate(Stack("local", said.append), said.append, root=folder)
    return said


def files(folder: Path) -> dict[str, bytes]:
    names = ["phrase", "Pulumi.local.yaml", "Pulumi.other.yaml",
             *(f".pulumi/stacks/stealth-vpn/{name}.json" for name in ("local", "other"))]
    return {name: (folder / name).read_bytes() for name in names}


def test_all_stacks_go_on_by_the_new_one_and_none_by_the_former(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(place)
    assert rotate(place) == ["Encrypted stack local anew.", "Encrypted stack other anew."]
    after = files(place)
    assert [name for name in before if before[name] == after[name]] == []
    assert (place / "phrase").stat().st_mode & 0o777 == 0o600
    assert {name: shown(name) for name in ("local", "other")} == dict.fromkeys(
        ("local", "other"), (VALUE, "secret-output"))
    (place / "former").write_bytes(before["phrase"])
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(place / "former"))
    with pytest.raises(OperatorError, match="incorrect passphrase"):
        shown("local")
    salts = [line for name in ("local", "other") for line in before[f"Pulumi.{name}.yaml"].decode().splitlines()
             if line.startswith("encryptionsalt: ")]
    assert len(salts) == 2
    left = subprocess.run(["grep", "-rlF", *(f"-e{salt.split(': ')[1]}" for salt in salts), str(place)],
                          capture_output=True, text=True, check=False)
    assert left.stdout == "", "a copy that the former passphrase opens"


def test_a_kill_while_it_is_put_in_place_is_finished_by_the_next_command(
    place: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, moved = Path.replace, 0

    def killed(self: Path, to: Path) -> Path:
        nonlocal moved
        moved += 1
        if moved == 3:
            raise KeyboardInterrupt
        return real(self, to)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        patch.setattr(Journal, "settle", once(Journal.settle))
        with pytest.raises(KeyboardInterrupt):
            rotate(place)
    said: list[str] = []
    Stack("other", said.append).prepare()
    assert said == ["A former run was ended while it put the new passphrase in place; that is done now."]
    assert {shown(name) for name in ("local", "other")} == {(VALUE, "secret-output")}


def once(real: object) -> object:
    """A killed process settles nothing on its way out."""
    calls = 0

    def settle(self: object) -> object:
        nonlocal calls
        calls += 1
        # prepare() and commit() come first; the third is the way out.
        return real(self) if calls < 3 else False  # type: ignore[operator]
    return settle


def test_a_pulumi_that_fails_leaves_all_as_it_was(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(place)
    monkeypatch.setattr(passphrase.Trial, "encrypt_anew", fail)
    with pytest.raises(OperatorError, match="no disk"):
        rotate(place)
    assert files(place) == before
    assert not (place / ".pulumi" / "passphrase-rotation").exists()


def fail(*_: object) -> None:
    raise OperatorError("no disk")


def test_it_waits_for_another_run_and_needs_files(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = place / ".pulumi" / "locks" / "organization" / "stealth-vpn" / "other" / "one.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps({"pid": os.getpid(), "hostname": "elsewhere"}))
    with pytest.raises(OperatorError, match="another run is at work on stack other"):
        rotate(place)
    lock.unlink()
    with monkeypatch.context() as patch:
        patch.setenv("PULUMI_CONFIG_PASSPHRASE", "given")
        with pytest.raises(OperatorError, match="comes by the environment"):
            rotate(place)
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    with pytest.raises(OperatorError, match="the state is not in a folder of this machine"):
        rotate(place)
