"""One service's log on the host: a file of today, and those of earlier days until they are too old."""

import contextlib
import os
import time
from typing import NamedTuple

DAY_SECONDS = 86400
# What a terminal would obey when somebody looks at the file: whoever connects to the server can bring some into a log.
_HARMLESS = bytes(byte if (byte >= 32 and byte != 127) or byte in b"\t\n" else ord("?") for byte in range(256))
_STAMP_BYTES = len("2026-11-30T03:00:00.123456789Z")


class Rules(NamedTuple):
    """How much is kept."""

    folder: str
    days: int
    """Whole days beside today that files are kept; days are those of UTC."""

    file_bytes: int
    """At which a file is put aside also during the day."""

    files_per_day: int
    """How many of one day are kept, the newest."""


class LogFile:
    """The log of one service; raises OSError when the disk takes nothing."""

    def __init__(self, rules: Rules, service: str) -> None:
        self._rules, self._folder, self._name = rules, f"{rules.folder}/{service}", f"{service}.log"
        self._day = ""
        with contextlib.suppress(FileExistsError):
            os.mkdir(self._folder, 0o750)
        self._open()

    @property
    def last(self) -> str:
        """When the last line was said, as the engine wrote it (RFC 3339, UTC); empty if there is none.

        A container's two streams may come in another order than they were said, by microseconds.
        """
        for name in [self._name, *reversed(self._older())]:
            with open(f"{self._folder}/{name}", "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - (1 << 16)))
                # The last line may be half of one: the machine lost its power.
                lines = file.read().rpartition(b"\n")[0].splitlines()
            if lines:
                return max(line[:_STAMP_BYTES] for line in lines).decode(errors="replace")
        return ""

    def write(self, line: bytes, now: float) -> None:
        """Add a line, which ends with a newline and begins with its time."""
        self.tidy(now)
        if self._bytes and self._bytes + len(line) > self._rules.file_bytes:
            self._put_aside()
        os.write(self._file, line.translate(_HARMLESS))
        self._bytes += len(line)

    def tidy(self, now: float) -> None:
        """Put aside a file of an earlier day, and remove what is too old; to be called also when nothing is said."""
        if (today := _day(now)) == self._day:
            return
        if self._bytes:
            self._put_aside()
        self._day = today
        oldest = _day(now - self._rules.days * DAY_SECONDS)
        for name in self._older():
            if name.removeprefix(f"{self._name}.")[:len(oldest)] < oldest:
                os.remove(f"{self._folder}/{name}")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _open(self) -> None:
        path = f"{self._folder}/{self._name}"
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o640)
        found = os.fstat(self._file)
        # Of which day what is in there is; nothing yet is of none, so that the first line looks for what is too old.
        self._bytes, self._day = found.st_size, _day(found.st_mtime) if found.st_size else ""

    def _put_aside(self) -> None:
        """Rename the file to its day and the next free number; of one day the oldest go when there are too many."""
        day = self._day or _day(os.fstat(self._file).st_mtime)
        before = [name for name in self._older() if name.startswith(f"{self._name}.{day}.")]
        number = int(before[-1].rpartition(".")[2]) + 1 if before else 1
        os.rename(f"{self._folder}/{self._name}", f"{self._folder}/{self._name}.{day}.{number:06}")
        for name in before[:max(0, len(before) + 1 - self._rules.files_per_day)]:
            os.remove(f"{self._folder}/{name}")
        os.close(self._file)
        today = self._day
        self._open()
        self._day = today

    def _older(self) -> list[str]:
        # Days and numbers of equal length sort by time.
        return sorted(name for name in os.listdir(self._folder) if name.startswith(f"{self._name}."))


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(moment))
