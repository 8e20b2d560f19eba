"""Where a pipeline's step finds keys and state: the files that scripts/ci-credentials.sh wrote, or the operator's own.

It refuses what a run of a pipeline must never do: make a server that is not in the state. Without its state every
deploy would look like a first one, and end beside the real server with other keys.
"""

import os
from pathlib import Path

import click

from .. import backend
from ..errors import OperatorError
from ..stack import Stack, passphrase_file
from ..target import ROOT, Target

FOLDER = ROOT / ".ci-secrets"
"""What scripts/ci-credentials.sh writes and wipes."""

_GOOGLE = "GOOGLE_APPLICATION_CREDENTIALS"


def enter(folder: Path = FOLDER) -> None:
    """Let this process and those that it starts use the files of a pipeline, as far as they are there."""
    of_state = _GOOGLE if backend.address().startswith("gs://") else "AWS_SHARED_CREDENTIALS_FILE"
    for variable, name in (("PULUMI_CONFIG_PASSPHRASE_FILE", "passphrase"), (of_state, "state-credentials")):
        if (folder / name).exists():
            os.environ[variable] = str(folder / name)
    # OpenSSH takes its files from the user's real home, whatever HOME says; so a wrapper names ours. Docker's command
    # line, Pulumi's providers and restic all look ssh up in PATH.
    if (folder / "bin" / "ssh").exists():
        os.environ["PATH"] = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"


def existing(name: str) -> Stack:
    """Return a stack that has been deployed before; raises OperatorError if it was not, or cannot be opened here."""
    if not name:
        raise OperatorError("no stack is named. Say which, as in `make ci-deploy STACK=staging`.")
    Target.read(name)
    file = passphrase_file() if backend.secrets_provider(name) == backend.PASSPHRASE else None
    if "PULUMI_CONFIG_PASSPHRASE" not in os.environ and file is not None and not _has_text(file):
        raise OperatorError(f"the passphrase of stack {name} is not in {file}, and a pipeline makes no new one. "
                            "Give it to `make ci-credentials` as PULUMI_PASSPHRASE (docs/pipelines.md).")
    stack = Stack(name, click.echo)
    if not stack.is_made():
        raise OperatorError(
            f"stack {name} is not in the state at {backend.address() or 'its place'}, and a pipeline "
            f"makes no new server. Set PULUMI_BACKEND_URL to where the state is, or run `STACK={name} make up` there "
            "once by hand (docs/pipelines.md).")
    return stack


def _has_text(file: Path) -> bool:
    return file.exists() and bool(file.read_text().strip())
