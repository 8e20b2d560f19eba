"""Puts a server back from a backup. All of the backup is read and judged first, and only then anything is changed.

What is put back: the operator's files, the passphrase, the state without what can be made again, Caddy's certificates
and the panel's store. A deploy, which the command then makes, does the rest.
"""

import os
from pathlib import Path
from typing import IO, Any

import yaml

from ..backend import is_elsewhere
from ..docker import Engine
from ..errors import OperatorError
from ..stack import Stack
from ..target import PROJECT, ROOT
from . import archive, kept
from .repository import Repository, Snapshot
from .volumes import Volumes, store_tar

RESTORED_STORE = "restored.db"
"""What the panel takes over when it starts (admin/panel/takeover.py)."""

_ABSOLUTE = ("tlsCertificateFile", "tlsKeyFile", "tlsRootFile")


class Restore:
    """One restore, of a backup that was read whole and found good."""

    def __init__(self, repository: Repository, snapshot: Snapshot, contents: archive.Contents,
                 root: Path = ROOT) -> None:
        self._repository, self._snapshot, self._contents, self._root = repository, snapshot, contents, root
        self.stack = contents.about.stack
        self._state = kept.parsed(contents.files[archive.STATE])
        self._check_names()

    @classmethod
    def read(cls, repository: Repository, snapshot: Snapshot) -> "Restore":
        """Read all of a backup; raises OperatorError if anything in it is not as it was written."""
        with repository.reading(snapshot.id) as stream:
            contents = archive.read(stream)
        if contents.about.stack != snapshot.stack:
            raise OperatorError(f"the backup {snapshot.id} says that it is of {contents.about.stack}, but it lies "
                                f"among those of {snapshot.stack}. Take another one.")
        return cls(repository, snapshot, contents)

    @property
    def docker_host(self) -> str:
        """The engine that the server was on."""
        values = self._settings()
        return str(values.get("dockerHost", "unix:///var/run/docker.sock"))

    def refuse_other_passphrase(self) -> None:
        """Refuse to go on where the passphrase here is another one, with which other stacks may be encrypted."""
        given = os.environ.get("PULUMI_CONFIG_PASSPHRASE")
        here = given if given is not None else _text(_passphrase_file())
        ours = self._contents.files.get(archive.PASSPHRASE, b"").decode()
        # Which stacks a state elsewhere has, and whose passphrase this is, nobody here knows.
        if ours and here and here != ours and (given is not None or is_elsewhere() or self._other_stacks()):
            place = "PULUMI_CONFIG_PASSPHRASE" if given is not None else str(_passphrase_file())
            raise OperatorError(f"the passphrase in {place} is not that of the backup, and other stacks need it. "
                                "Name another file by PULUMI_CONFIG_PASSPHRASE_FILE, and restore again.")

    def put_files(self) -> None:
        """Put the operator's files and the passphrase in place; what was there before stays beside them."""
        for name, content in self._contents.files.items():
            if name.startswith(archive.FILES):
                relative = name.removeprefix(archive.FILES)
                _put(self._root / relative, content, _is_private(relative))
        phrase = self._contents.files.get(archive.PASSPHRASE)
        if phrase and "PULUMI_CONFIG_PASSPHRASE" not in os.environ:
            _put(_passphrase_file(), phrase + b"\n", is_private=True)

    def put_state(self, stack: Stack, docker_host: str = "") -> None:
        """Give the stack the state of the backup, without what can be made again; `docker_host` if another engine."""
        stack.restore(kept.reduced(self._state, docker_host))

    def put_volumes(self, engine: Engine) -> None:
        """Make the volumes that cannot be made again, with what was in them."""
        labels = kept.volumes(self._state)
        volumes = Volumes(engine, self.stack)
        volumes.remove(labels)
        volumes.make(labels)
        volumes.fill(self._contents.files[archive.CADDY], self._write_store)

    def _write_store(self, stream: IO[bytes]) -> None:
        with self._repository.reading(self._snapshot.id) as backup, archive.faults():
            for name, size, content in archive.entries(backup):
                if name == archive.STORE:
                    store_tar(stream, RESTORED_STORE, size, content)

    def _check_names(self) -> None:
        """Refuse a backup that would write outside the project, but for what its configuration names."""
        allowed = {str(self._settings().get(key)) for key in _ABSOLUTE}
        for name in self._contents.files:
            relative = name.removeprefix(archive.FILES)
            inside = (self._root / relative).resolve().is_relative_to(self._root.resolve())
            if name.startswith(archive.FILES) and not inside and relative not in allowed:
                raise OperatorError(f"the backup would write {relative}, outside of the project. Take another one.")
        needs = kept.secrets_provider(self._state) == "passphrase"
        if needs and not self._contents.files.get(archive.PASSPHRASE):
            raise OperatorError("the backup has no passphrase for its state. Take another one.")

    def _settings(self) -> dict[str, Any]:
        text = self._contents.files.get(f"{archive.FILES}Pulumi.{self.stack}.yaml", b"")
        config = (yaml.safe_load(text) or {}).get("config") or {}
        return {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items()}

    def _other_stacks(self) -> bool:
        folder = self._root / ".pulumi" / "stacks" / PROJECT
        return any(file.stem != self.stack for file in folder.glob("*.json"))


def _passphrase_file() -> Path:
    return Path(os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE") or ROOT / ".pulumi-passphrase")


def _text(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


def _is_private(name: str) -> bool:
    return name.endswith((".key", ".pem"))


def _put(file: Path, content: bytes, is_private: bool) -> None:
    """Write a file at once or not at all; another one of that name is kept beside it, and is there all the time."""
    if file.exists():
        if file.read_bytes() == content:
            return
        beside = file.with_name(f"{file.name}.before-restore")
        beside.unlink(missing_ok=True)
        os.link(file, beside)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if is_private else 0o644), "wb") as stream:
        stream.write(content)
    fresh.rename(file)
