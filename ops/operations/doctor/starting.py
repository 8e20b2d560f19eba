"""Starts this machine's engine, as `make setup` does."""

import subprocess

from ...docker import last_line
from ...errors import OperatorError
from ...target import ROOT

_SCRIPT = ROOT / "toolchain" / "engine.sh"


def start_engine() -> None:
    """Start it; raises OperatorError when it does not come up."""
    done = subprocess.run([str(_SCRIPT)], capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode != 0:
        raise OperatorError(f"{last_line(done.stderr or done.stdout)}.")
