"""Brings restic onto this machine where it is missing: not every operator makes backups from here."""

import subprocess

from ..errors import OperatorError
from ..target import ROOT

_SCRIPT = ROOT / "toolchain" / "restic.sh"
_STANDARD_ERROR = 2


def bring() -> None:
    """Install restic unless it is there and new enough; raises OperatorError when that cannot be done."""
    # What it says is about the way, and not what a command answers.
    if subprocess.run([str(_SCRIPT)], stdout=_STANDARD_ERROR, check=False).returncode != 0:  # noqa: S603 - our own
        raise OperatorError("restic, which keeps the backups, is not here; the lines above say why.")
