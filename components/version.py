"""Which version of this program deploys, as its git repository tells it."""

import subprocess
from pathlib import Path

# The stacks' files are the operator's, and not the program.
_PROGRAM = (".", ":(exclude)Pulumi.*.yaml")


def version(folder: Path) -> str:
    """Return the commit that is checked out, with `-changed` after it if files of the program are not as in it.

    Empty where git, or a repository, is missing.
    """
    if not (folder / ".git").exists():
        return ""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", *_PROGRAM)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{commit}-changed" if changed else commit


def _git(folder: Path, *words: str) -> str:
    # No lock: an update may be at work on the same repository (git-status(1), background refresh).
    return subprocess.run(  # noqa: S603 - fixed words
        ["git", "--no-optional-locks", *words], cwd=folder, capture_output=True, text=True, check=True,  # noqa: S607
    ).stdout.strip()
