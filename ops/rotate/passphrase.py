"""Another passphrase for all stacks of this checkout, all of it or nothing.

Pulumi writes a stack's configuration and its state one after the other; killed in between, it leaves a stack that
neither passphrase opens. So it works on copies here, and only what was read back takes the originals' places
(ops/journal.py).
"""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from .. import environment
from ..backend import state_folder
from ..errors import OperatorError
from ..stack import PASSPHRASE_BYTES, Stack, passphrase_file, rotation_journal
from ..target import PROJECT, ROOT

_BY_HAND = "docs/state.md has the steps by hand, which begin with a backup."


def rotate(stack: Stack, show: Callable[[str], None], root: Path = ROOT) -> None:
    """Encrypt the secrets of all stacks here by a new passphrase, and put it in the former one's file."""
    file, folder = _places()
    stack.prepare()
    _refuse_beside_a_run(folder)
    journal = rotation_journal(folder)
    journal.begin()
    trial = Trial(journal.folder / "trial", folder, root)
    phrase = secrets.token_urlsafe(PASSPHRASE_BYTES)
    fresh = journal.folder / "phrase"
    fresh.touch(mode=0o600)
    fresh.write_text(f"{phrase}\n")
    try:
        for name in trial.stacks():
            before = trial.shown(name, file)
            trial.encrypt_anew(name, file, phrase)
            if trial.shown(name, fresh) != before:
                raise OperatorError(f"the copy of stack {name} is not the same under another passphrase, so nothing "
                                    "was changed. Update Pulumi by `make setup`, and try again.")
            show(f"Encrypted stack {name} anew.")
        _refuse_beside_a_run(folder)
        for source, to in trial.changed():
            journal.put(source.read_bytes(), to)
        journal.put(fresh.read_bytes(), file)
        for old in _former_copies(folder):
            journal.remove(old)
        journal.commit()
    finally:
        journal.settle()


class Trial:
    """A copy of the project's configuration and states, for Pulumi to work on."""

    def __init__(self, place: Path, folder: Path, root: Path) -> None:
        self._place, self._folder, self._root = place, folder, root
        self._state = place / ".pulumi"
        place.mkdir()
        self._state.mkdir()
        for file in (*folder.glob("meta.yaml*"), *folder.glob(f"stacks/{PROJECT}/*.json*")):
            copy = self._state / file.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)
        for file in root.glob("Pulumi*.yaml"):
            shutil.copy2(file, place)

    def stacks(self) -> list[str]:
        """Return the names of those whose secrets a passphrase encrypts."""
        return [file.stem for file in sorted((self._state / "stacks" / PROJECT).glob("*.json"))
                if _provider(file) in {"", "passphrase"}]

    def shown(self, name: str, phrase: Path) -> tuple[object, object]:
        """Return a stack's resources and its configuration, secrets in clear."""
        export = json.loads(self._call(phrase, name, "stack", "export", "--show-secrets"))
        configured = json.loads(self._call(phrase, name, "config", "--json", "--show-secrets"))
        return (export["deployment"] or {}).get("resources"), configured

    def encrypt_anew(self, name: str, phrase: Path, new: str) -> None:
        """Encrypt a stack's secrets by another passphrase, which comes by standard input: no other process sees it."""
        self._call(phrase, name, "stack", "change-secrets-provider", "passphrase", stdin=new)

    def changed(self) -> Iterator[tuple[Path, Path]]:
        """Yield each file that takes another's place, and that."""
        for name in self.stacks():
            for file in (self._state / "stacks" / PROJECT).glob(f"{name}.json*"):
                if ".bak" not in file.suffixes:
                    yield file, self._folder / file.relative_to(self._state)
            yield self._place / f"Pulumi.{name}.yaml", self._root / f"Pulumi.{name}.yaml"

    def _call(self, phrase: Path, name: str, *words: str, stdin: str = "") -> str:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["pulumi", *words, "--stack", name, "--non-interactive"],  # noqa: S607 - the one on the path is meant
            cwd=self._place, input=stdin, capture_output=True, text=True, check=False,
            env=environment.of_pulumi(PULUMI_BACKEND_URL=f"file://{self._place}",
                                      PULUMI_CONFIG_PASSPHRASE_FILE=str(phrase)))
        if done.returncode != 0:
            raise OperatorError(f"Pulumi cannot encrypt stack {name} anew, so nothing was changed: "
                                f"{(done.stderr.strip().splitlines() or ['no reason was given'])[-1]}.")
        return done.stdout


def _places() -> tuple[Path, Path]:
    folder, file = state_folder(), passphrase_file()
    if folder is None:
        raise OperatorError(f"the state is not in a folder of this machine, so it cannot be changed whole. {_BY_HAND}")
    if file is None or "PULUMI_CONFIG_PASSPHRASE" in os.environ:
        raise OperatorError(f"the passphrase comes by the environment, and not from a file. {_BY_HAND}")
    return file, folder


def _refuse_beside_a_run(folder: Path) -> None:
    if found := sorted((folder / "locks").rglob("*.json")):
        raise OperatorError(f"another run is at work on stack {found[0].parent.name}. Wait for its end, and try again; "
                            f"if it has none, end it by `STACK={found[0].parent.name} make validate`.")


def _former_copies(folder: Path) -> Iterator[Path]:
    """Yield Pulumi's copies of former states, which the former passphrase would go on to open."""
    for pattern in (f"stacks/{PROJECT}/*.bak*", f"history/{PROJECT}/**/*", f"backups/{PROJECT}/**/*"):
        yield from (file for file in folder.glob(pattern) if file.is_file())


def _provider(file: Path) -> str:
    latest = json.loads(file.read_text())["checkpoint"].get("latest") or {}
    return str((latest.get("secrets_providers") or {}).get("type", ""))
