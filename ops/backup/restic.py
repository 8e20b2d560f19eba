"""Runs restic on one repository, and turns what it answers into sentences.

What it is asked is written for restic 0.17 and newer, whose exit codes tell a wrong key from a missing repository
(https://restic.readthedocs.io/en/stable/075_scripting.html).
"""

import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..docker import last_line
from ..errors import OperatorError

NO_REPOSITORY = 10
"""Restic's exit code where there is none."""

WRONG_KEY = 12
_LOCKED = 11
_ANSWER_SECONDS = 120
_END_SECONDS = 30
# When this program is killed its end of restic's input closes, and restic would keep half a backup as a whole one
# (PR_SET_PDEATHSIG of prctl(2)).
_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")


@dataclass(frozen=True, kw_only=True)
class Restic:
    """Restic, with the address of a repository and what opens it."""

    address: str
    """A folder, sftp:user@host:/path, or s3:https://host/bucket/path."""

    key_file: Path
    credentials_file: Path | None = None
    """AWS's form of a credentials file, for S3."""

    def call(self, *words: str, seconds: int | None = _ANSWER_SECONDS) -> str:
        """Return what restic prints; raises OperatorError when it cannot do it."""
        done = self.asked(*words, seconds=seconds)
        if done.returncode != 0:
            raise self.fault(done.returncode, done.stderr)
        return done.stdout

    def asked(self, *words: str, seconds: int | None = _ANSWER_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run it to its end, whatever comes of it; raises OperatorError when that takes longer."""
        process = self.start(list(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            said, faults = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            end(process)
            _, faults = process.communicate()
            raise OperatorError(f"{self.address} cannot be used, in {seconds} s of trying: {_last_try(faults)}. Look "
                                "at its address and what opens it, and try again.") from error
        finally:
            end(process)
        return subprocess.CompletedProcess(words, process.returncode, said.decode(), faults.decode(errors="replace"))

    def start(self, words: list[str], *, stdin: int = subprocess.DEVNULL, stdout: int | IO[bytes],
               stderr: int | IO[bytes]) -> subprocess.Popen[bytes]:
        """Start it; `end` ends it."""
        ssh = ["-o", "sftp.args=-o BatchMode=yes -o ConnectTimeout=10"] if self.address.startswith("sftp:") else []
        # Its cache would lie in a home that a scheduled run has not, and would outlive the repository.
        command = [*_DIES_WITH_US, "restic", "--no-cache", "--repo", self.address, *ssh, *words]
        if not shutil.which("restic"):
            raise OperatorError("the program `restic` is not here. Install it with `toolchain/restic.sh`.")
        return subprocess.Popen(  # noqa: S603 - fixed words and an address that was checked
            command, env=self._environment(), stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True)

    def _environment(self) -> dict[str, str]:
        # Both are names of files: what they hold stands in no environment and on no command line.
        own = {"RESTIC_PASSWORD_FILE": str(self.key_file)}
        if self.credentials_file:
            own["AWS_SHARED_CREDENTIALS_FILE"] = str(self.credentials_file)
        return {name: value for name, value in os.environ.items() if not name.startswith("RESTIC_")} | own

    def fault(self, code: int, said: str) -> OperatorError:
        """Return the sentence for an exit code and what was said with it."""
        if code == NO_REPOSITORY:
            return OperatorError(f"{self.address} holds no backups. Look whether that is the right place; "
                                 "`ops backup` makes it.")
        if code == WRONG_KEY:
            return OperatorError(f"the key in {self.key_file} does not open {self.address}. Put the one there that "
                                 "the backups were made with.")
        if code == _LOCKED:
            return OperatorError(f"another run is at work in {self.address}. Wait for its end, and try again.")
        reason = last_line(said).removeprefix("Fatal: ")
        return OperatorError(f"the backups at {self.address} cannot be used: {reason}. "
                             "Mend that, or take another place.")


def end(process: subprocess.Popen[bytes]) -> None:
    """End restic in order: it takes its lock away."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.close()


def _last_try(said: bytes) -> str:
    """Return why the last of restic's tries failed: it tries again for minutes, whatever the reason."""
    tries = re.findall(r"retrying after [^:]+: (.+)", said.decode(errors="replace"))
    return last_line(tries[-1]) if tries else "it does not answer"
