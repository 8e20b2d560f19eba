"""The form of a backup: a tar stream whose last entry names all others with their sizes and SHA-256.

It is written and read as a stream, so that what it holds lies on no disk in clear and needs no room in memory. A
stream that was cut off lacks the last entry, and so is none. Restic keeps it (repository.py) and knows nothing of it.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from ..errors import OperatorError

FORMAT = 1
ABOUT = "about.json"
STATE = "state.json"
PASSPHRASE = "passphrase"  # noqa: S105 - a name
CADDY = "caddy-data.tar"
STORE = "store.db"
FILES = "files/"
_SUMS = "sums.json"
_PIECE_BYTES = 1 << 20
# What is read into memory: a site has 32 MiB at most, and a state some hundred kB.
_MOST_BYTES = 128 << 20


@dataclass(frozen=True, kw_only=True)
class About:
    """What a backup is of."""

    stack: str
    made_at: str
    """UTC, as ISO 8601."""

    domain: str
    version: str
    """Of the checkout that made it, as `git describe` tells it; empty if it does not."""

    format: int = FORMAT


@dataclass(frozen=True, kw_only=True)
class Contents:
    """A whole backup that was read and found as it was written; without the store, which may be large."""

    about: About
    files: dict[str, bytes] = field(repr=False)
    """Everything but the store, by name."""

    store_bytes: int
    """Size of the store."""

    @property
    def size_bytes(self) -> int:
        """Size of all that it holds."""
        return self.store_bytes + sum(map(len, self.files.values()))


class Writer:
    """Writes a backup into a stream."""

    def __init__(self, stream: IO[bytes], about: About) -> None:
        self._tar = tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - finish
        self._sums: dict[str, dict[str, Any]] = {}
        self.add(ABOUT, json.dumps(asdict(about)).encode())

    def add(self, name: str, content: bytes) -> None:
        """Add a file."""
        self.add_stream(name, len(content), io.BytesIO(content))

    def add_stream(self, name: str, size: int, stream: IO[bytes]) -> None:
        """Add a file of that size from a stream; raises OSError when the stream ends before."""
        entry, summed = tarfile.TarInfo(name), _Summed(stream)
        entry.size, entry.mode = size, 0o600
        self._tar.addfile(entry, summed)
        self._sums[name] = {"bytes": size, "sha256": summed.hash.hexdigest()}

    def finish(self) -> None:
        """Write the last entry: only with it the backup is one."""
        self.add(_SUMS, json.dumps(self._sums).encode())
        self._tar.close()


def read(stream: IO[bytes]) -> Contents:
    """Read a whole backup and compare it with its sums; raises OperatorError at the first difference."""
    with faults():
        return _read(stream)


@contextmanager
def faults() -> Iterator[None]:
    """Turn what comes of a stream that is no backup, or ends too soon, into an OperatorError."""
    try:
        yield
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise _fault(f"it cannot be read ({error})") from error


def entries(stream: IO[bytes]) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Yield name, size and content of each entry, to be read within `faults`."""
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for entry in tar:
            content = tar.extractfile(entry) if entry.isfile() else None
            if content is None:
                raise _fault(f"{entry.name!r} in it is no file")
            yield entry.name, entry.size, content


def _read(stream: IO[bytes]) -> Contents:
    found: dict[str, dict[str, Any]] = {}
    files: dict[str, bytes] = {}
    for name, size, content in entries(stream):
        summed = _Summed(content)
        if name != STORE and size > _MOST_BYTES:
            raise _fault(f"{name} in it has {size} bytes")
        if name != STORE:
            files[name] = summed.read()
        while summed.read(_PIECE_BYTES):
            pass
        found[name] = {"bytes": size, "sha256": summed.hash.hexdigest()}
    _compare(files.pop(_SUMS, b""), found)
    return Contents(about=_about(files.pop(ABOUT)), files=files, store_bytes=found[STORE]["bytes"])


def _compare(sums: bytes, found: dict[str, dict[str, Any]]) -> None:
    if not sums:
        raise _fault("its end is missing")
    promised = json.loads(sums)
    del found[_SUMS]
    for name in sorted({*promised, *found}):
        if promised.get(name) != found.get(name):
            raise _fault(f"{name} in it is not what was backed up")
    if missing := {ABOUT, STATE, STORE} - found.keys():
        raise _fault(f"it has no {min(missing)}")


def _about(text: bytes) -> About:
    values = json.loads(text)
    if values.get("format") != FORMAT:
        raise OperatorError(f"the backup has the form {values.get('format')}, but this version knows {FORMAT} only. "
                            f"Take the version that made it ({values.get('version') or 'unknown'}), or a newer one.")
    return About(**values)


def _fault(reason: str) -> OperatorError:
    return OperatorError(f"the backup is damaged: {reason}. Take another one; `ops backup list` shows all.")


class _Summed:
    """A reader that hashes what passes it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, fewer only at the end."""
        piece = self._stream.read(size)
        self.hash.update(piece)
        return piece
