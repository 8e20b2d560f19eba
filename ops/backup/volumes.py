"""Fills volumes that no service mounts yet, on whatever engine, by a container that is made and never started.

Its image is empty, so that nothing need be there before the first deploy.
"""

import io
import tarfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, cast

from ..docker import STACK_LABEL, Engine, last_line
from ..errors import OperatorError

_NAME = "stealth-restore"
_IMAGE = "stealth-vpn/empty:restore"
# Two blocks of zeros are an empty tar.
_EMPTY = bytes(10240)
_PATHS = {"stealth-caddy-data": "/data", "stealth-admin-data": "/var/lib/admin"}
_STORE_FOLDER = "var/lib/admin"
_OWNER = 10006
"""The panel's user."""


class Volumes:
    """The volumes of one server on one engine."""

    def __init__(self, engine: Engine, stack: str) -> None:
        self._engine, self._stack = engine, stack

    def remove(self, names: Mapping[str, object]) -> None:
        """Remove these volumes, if they are there."""
        there = set(self._ask("volume", "ls", "--format", "{{.Name}}").split())
        if found := sorted(there & names.keys()):
            self._ask("volume", "rm", *found)

    def make(self, labels: Mapping[str, Mapping[str, str]]) -> None:
        """Make volumes with their labels."""
        for name, pairs in labels.items():
            words = [word for key, value in pairs.items() for word in ("--label", f"{key}={value}")]
            self._ask("volume", "create", *words, name)

    def fill(self, caddy: bytes, write_store: Callable[[IO[bytes]], None]) -> None:
        """Put Caddy's folder and the panel's store into their volumes; `write_store` writes a tar."""
        self._feed(["import", "-", _IMAGE], lambda stream: stream.write(_EMPTY))
        try:
            mounts = [word for name, path in _PATHS.items() for word in ("--volume", f"{name}:{path}")]
            self._ask("create", "--name", _NAME, "--network", "none", "--label", f"{STACK_LABEL}={self._stack}",
                      *mounts, _IMAGE, "/none")
            self._feed(["cp", "-", f"{_NAME}:/"], lambda stream: stream.write(caddy))
            self._feed(["cp", "-", f"{_NAME}:/"], write_store)
        finally:
            self._engine.ask("rm", "--force", _NAME)
            self._engine.ask("rmi", _IMAGE)

    def _feed(self, words: list[str], write: Callable[[IO[bytes]], object]) -> None:
        with self._engine.stream(*words, is_fed=True) as process:
            taken, faults = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stderr)
            try:
                # If docker ends before it has read all, it says why.
                with suppress(BrokenPipeError):
                    write(taken)
                with suppress(BrokenPipeError):
                    taken.close()
                said = faults.read().decode(errors="replace")
                if process.wait() != 0:
                    raise _fault(words, said)
            finally:
                process.kill()

    def _ask(self, *words: str) -> str:
        done = self._engine.ask(*words)
        if done.returncode != 0:
            raise _fault(list(words), done.stderr)
        return done.stdout


def store_tar(stream: IO[bytes], name: str, size: int, content: IO[bytes]) -> None:
    """Write a tar that puts the store's copy into the panel's folder, for the panel's user alone."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        folder = tarfile.TarInfo(_STORE_FOLDER)
        folder.type, folder.mode, folder.uid, folder.gid = tarfile.DIRTYPE, 0o700, _OWNER, _OWNER
        tar.addfile(folder, io.BytesIO())
        entry = tarfile.TarInfo(f"{_STORE_FOLDER}/{name}")
        entry.size, entry.mode, entry.uid, entry.gid = size, 0o600, _OWNER, _OWNER
        tar.addfile(entry, content)


def _fault(words: list[str], said: str) -> OperatorError:
    return OperatorError(f"`docker {words[0]}` failed: {last_line(said)}. Mend that, and restore again.")
