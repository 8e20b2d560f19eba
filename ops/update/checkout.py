"""The program's own checkout, as git has it: which version it is, where it may go, and going there.

The stacks' files (`Pulumi.*.yaml`) are the operator's, although git tracks some of them: they are neither a reason to
refuse nor changed by a move.
"""

import hashlib
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil

from ..errors import OperatorError
from ..target import ROOT

_OWN = ":(exclude)Pulumi.*.yaml"
PROGRAM = ("__main__.py", "Pulumi.yaml", "admin", "components", "images", "policy", "requirements.txt", "templates",
           "toolchain")
"""What a server is made of and judged by; the rest of the checkout are commands, tests and documents."""

_REVISIONS = "admin/panel/store/migrations/versions"


class Checkout:
    """A working copy of the program."""

    def __init__(self, show: Callable[[str], None], root: Path = ROOT) -> None:
        self._show, self._root = show, root

    def head(self) -> str:
        """Return the commit that is checked out; raises OperatorError where git knows of none."""
        if not (self._root / ".git").exists():
            raise OperatorError(f"{self._root} is no git repository, so that nothing could be gone back to. "
                                "Clone the program anew beside it, move .pulumi, .pulumi-passphrase, .backup-key and "
                                "Pulumi.*.yaml there, and run `make up` in it once.")
        return self._git("rev-parse", "HEAD")

    def refuse_changes(self) -> None:
        """Raise OperatorError when files of the program itself were changed here."""
        changed = self._git("status", "--porcelain", "--untracked-files=no", "--", ".", _OWN).splitlines()
        if changed:
            names = ", ".join(line.split(maxsplit=1)[-1] for line in changed[:3])
            raise OperatorError(f"{len(changed)} files of the program were changed here ({names}), and an update would "
                                "lose that. Commit them, or take them back with `git checkout FILE`.")

    def program(self, commit: str) -> str:
        """Return a hash of the program in a commit: equal in two commits that make the same server."""
        listed = self._git("ls-tree", "-r", "--full-tree", commit, "--", *PROGRAM)
        return hashlib.sha256(listed.encode()).hexdigest()

    def is_committed(self, name: str) -> bool:
        """Tell whether a file here is just what the checked-out commit has under that name."""
        return (self._call("cat-file", "-e", f"HEAD:{name}").returncode == 0
                and self._call("diff", "--quiet", "HEAD", "--", name).returncode == 0)

    def newest(self) -> str:
        """Fetch, and return the last commit of the branch that this one follows."""
        if not self._git("remote"):
            raise OperatorError("git knows no place to fetch from. Name one with `git remote add origin ADDRESS` and "
                                "`git branch --set-upstream-to origin/main`, or update what is checked out with "
                                "--no-pull.")
        self._git("fetch", "--quiet", "--tags")
        try:
            return self._git("rev-parse", "@{upstream}")
        except OperatorError as error:
            raise OperatorError("this branch follows none of the place that it comes from. Name it with "
                                "`git branch --set-upstream-to origin/main`, or a version with --to.") from error

    def named(self, name: str) -> str:
        """Fetch what can be fetched, and return the commit of a tag, branch or number."""
        if self._git("remote"):
            self._git("fetch", "--quiet", "--tags")
        try:
            return self._git("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
        except OperatorError as error:
            raise OperatorError(f"git knows no version {name}. `git tag` lists the released ones.") from error

    def has(self, commit: str) -> bool:
        """Tell whether the commit is here."""
        return bool(re.fullmatch(r"[0-9a-f]{40}", commit)) and self._call("cat-file", "-e", commit).returncode == 0

    def is_before(self, earlier: str, later: str) -> bool:
        """Tell whether a commit is an ancestor of another one, or the same."""
        return self._call("merge-base", "--is-ancestor", earlier, later).returncode == 0

    def title(self, commit: str) -> str:
        """Return how a commit is called: by the last tag before it, where there is one."""
        return self._git("describe", "--tags", "--always", commit)

    def tables(self, commit: str) -> frozenset[str]:
        """Return the revisions of the panel's tables that a version knows."""
        done = self._call("grep", "-h", "-E", "^revision = ", commit, "--", _REVISIONS)
        return frozenset(re.findall(r"""^revision = ['"](\w+)['"]""", done.stdout, re.MULTILINE))

    def pulumi(self, commit: str) -> tuple[int, ...]:
        """Return the version of Pulumi that a version of the program brings; empty if it does not say."""
        found = re.search(r"^PULUMI_VERSION=([\d.]+)$", self._call("show", f"{commit}:toolchain/lib.sh").stdout, re.M)
        return tuple(int(part) for part in found[1].split(".")) if found else ()

    def stack_files(self) -> list[Path]:
        """Return the stacks' files."""
        return sorted(self._root.glob("Pulumi.*.yaml"))

    def move(self, commit: str, put_files_back: Callable[[], None]) -> None:
        """Check a commit out, whatever a former try that was killed left; the branch goes along."""
        self._unlock()
        self._git("reset", "--quiet", "--hard", commit)
        put_files_back()

    def set_up(self) -> None:
        """Bring the tools of the version that is checked out."""
        if subprocess.run([str(self._root / "toolchain" / "setup.sh")], check=False).returncode != 0:  # noqa: S603 - ours
            raise OperatorError("the tools of that version could not be brought; the lines above say why.")

    def _unlock(self) -> None:
        """Take away the lock of a git that was killed."""
        lock = self._root / ".git" / "index.lock"
        if lock.exists() and not any(_works_in(process, self._root) for process in psutil.process_iter(["name"])):
            self._show("A former git was ended by force; its lock is taken away.")
            lock.unlink()

    def _git(self, *words: str) -> str:
        done = self._call(*words)
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason was given"]
            raise OperatorError(f"`git {' '.join(words[:2])}` failed: {lines[-1].removeprefix('fatal: ')}. "
                                "Mend that, and try again.")
        return done.stdout.strip()

    def _call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - git's own words, and names that it takes for commits only
            ["git", "-C", str(self._root), *words],  # noqa: S607 - the system's own
            # Nobody may be there to type a password.
            capture_output=True, text=True, check=False, env=os.environ | {"GIT_TERMINAL_PROMPT": "0"})


def _works_in(process: psutil.Process, root: Path) -> bool:
    try:
        return process.info["name"] == "git" and Path(process.cwd()).is_relative_to(root)
    except psutil.Error:
        return False
