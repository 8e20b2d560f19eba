"""Where backups lie: a repository of restic's, in a folder, on an SSH server or in an S3 bucket.

Restic encrypts and authenticates all that it writes by the key in a file that this machine keeps; it cuts streams into
pieces and stores each piece once.
"""

import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from ..errors import OperatorError
from .restic import NO_REPOSITORY, WRONG_KEY, Restic, end

TAG = "stealth-vpn"
FILE = "server.tar"
KEY_BYTES = 32
"""Random bytes that a key is made of."""

_PIECE_BYTES = 1 << 20
_OPEN_SECONDS = 30
_WAIT = ("--retry-lock", "5m")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One backup in a repository."""

    id: str
    stack: str
    made_at: datetime
    size_bytes: int
    """Of the backup itself; what it added to the repository is less."""


class Repository(Restic):
    """A repository of backups."""

    def make(self, show: Callable[[str], None]) -> None:
        """Make the key and the repository, unless they are there."""
        if not self.key_file.exists():
            self._make_key(show)
        elif self.opened().returncode == NO_REPOSITORY:
            self._init(show)
        self.open()

    def open(self) -> None:
        """Raise OperatorError unless the repository is there and the key opens it."""
        if not self.key_file.exists():
            raise OperatorError(f"{self.key_file} is missing, but without the key no backup can be read. "
                                "Put the copy of it there that you keep elsewhere, with mode 0600.")
        _check_mode(self.key_file)
        if self.credentials_file:
            _check_mode(self.credentials_file)
        done = self.opened()
        if done.returncode != 0:
            raise self.fault(done.returncode, done.stderr)

    def snapshots(self, stack: str | None = None) -> list[Snapshot]:
        """Return the backups of a stack, or of all, the oldest first."""
        entries = json.loads(self.call("snapshots", "--json", "--tag", TAG, *(["--host", stack] if stack else [])))
        found = [Snapshot(id=entry["short_id"], stack=entry["hostname"], made_at=datetime.fromisoformat(entry["time"]),
                          size_bytes=(entry.get("summary") or {}).get("total_bytes_processed", 0))
                 for entry in entries]
        return sorted(found, key=lambda item: item.made_at)

    def store(self, stack: str, write: Callable[[IO[bytes]], None]) -> str:
        """Keep what `write` writes as a backup of that stack and return its id; if it raises, nothing is kept."""
        # Locks that killed runs left; that of a living one stays, and its end is waited for.
        self.asked("unlock")
        words = ["backup", *_WAIT, "--quiet", "--json", "--tag", TAG, "--host", stack, "--stdin",
                 "--stdin-filename", FILE]
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as faults:
            process = self.start(words, stdin=subprocess.PIPE, stdout=said, stderr=faults)
            taken = cast(IO[bytes], process.stdin)
            try:
                write(taken)
                taken.close()
            except BrokenPipeError:
                # It has ended, and says why.
                with suppress(BrokenPipeError):
                    taken.close()
            except BaseException:
                # Killed, with its input still open: at an end of its input it would keep half a backup, and it asks
                # for signals between its reads only.
                process.kill()
                end(process)
                self.asked("unlock")
                raise
            if process.wait() != 0:
                raise self.fault(process.returncode, _text(faults))
            summary = json.loads(_text(said).splitlines()[-1])
            return str(summary["snapshot_id"])[:8]

    @contextmanager
    def reading(self, snapshot: str) -> Iterator[IO[bytes]]:
        """Give what a backup holds as a stream; raises OperatorError at its end when restic found it damaged."""
        with tempfile.TemporaryFile() as faults:
            process = self.start(["dump", "--quiet", snapshot, FILE], stdout=subprocess.PIPE, stderr=faults)
            given = cast(IO[bytes], process.stdout)
            try:
                yield given
                # To its end, which may come after what was wanted of it: only then it is known to be whole.
                while given.read(_PIECE_BYTES):
                    pass
                process.wait()
            except OperatorError as error:
                # A stream that ends too soon has a reason, which restic knows.
                if not given.read(1) and process.wait() != 0:
                    raise self.fault(process.returncode, _text(faults)) from error
                raise
            finally:
                given.close()
                end(process)
            if process.returncode != 0:
                raise self.fault(process.returncode, _text(faults))

    def forget(self, stack: str, keep: dict[str, int]) -> int:
        """Remove a stack's backups but those to keep, and what only they needed; return how many went."""
        words = [word for period, count in keep.items() for word in (f"--keep-{period}", str(count))]
        said = self.call("forget", *_WAIT, "--json", "--prune", "--tag", TAG, "--host", stack, "--group-by", "host",
                         *words, seconds=None)
        groups = json.loads(said.splitlines()[0]) if said.strip() else []
        return sum(len(group["remove"] or []) for group in groups)

    def _make_key(self, show: Callable[[str], None]) -> None:
        fresh = self.key_file.with_name(self.key_file.name + ".new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(KEY_BYTES) + "\n")
        trial = Repository(address=self.address, key_file=fresh, credentials_file=self.credentials_file)
        try:
            done = trial.opened()
            if done.returncode == WRONG_KEY:
                raise OperatorError(f"{self.address} holds backups already, but {self.key_file} is missing. Put the "
                                    "copy of it there that you keep elsewhere, with mode 0600.")
            if done.returncode != NO_REPOSITORY:
                raise self.fault(done.returncode, done.stderr)
            # The key stays whatever comes of the repository.
            fresh.rename(self.key_file)
        finally:
            fresh.unlink(missing_ok=True)
        show(f"Made {self.key_file}, the key of your backups. Keep a copy of it away from this machine and from the "
             "backups: without it nobody can read them, you neither.")
        self._init(show)

    def opened(self) -> subprocess.CompletedProcess[str]:
        return self.asked("cat", "config", seconds=_OPEN_SECONDS)

    def _init(self, show: Callable[[str], None]) -> None:
        self.call("init")
        show(f"Made a place for backups at {self.address}.")


def _check_mode(file: Path) -> None:
    if not file.exists():
        raise OperatorError(f"{file} is missing. Put it there, or correct backupCredentialsFile.")
    if file.stat().st_mode & 0o077:
        raise OperatorError(f"{file} is open to others. Run `chmod 600 {file}`.")


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
