"""A runner of a pipeline: a fresh clone, the secrets of a stack's environment, and nothing else of the operator's."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.deployment import ROOT
from tests.e2e.stacks import Stack
from tests.workflows import order

_SECONDS = 900
# The names of the servers lead where DNS would, and the connections that ssh keeps are the runner's own.
_SCRIPT = """
mount --bind "$1" /etc/hosts
mkdir -p /root/.ssh
mount -t tmpfs -o mode=0700 tmpfs /root/.ssh
shift
exec "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """One target that was run."""

    stack: str
    target: str
    said: str


class Runner:
    """Runs the targets of a workflow in its order, each with the environment that the workflow gives it."""

    def __init__(self, folder: Path, *stacks: Stack) -> None:
        self._clone, self._stacks = folder / "clone", {stack.name: stack for stack in stacks}
        first = stacks[0]
        subprocess.run(["git", "clone", "--quiet", str(first.folder), str(self._clone)], check=True)
        for made in (".venv", ".toolchain"):
            (self._clone / made).symlink_to(ROOT / made)
        self._state, self.passphrase = first.folder, (first.folder / ".pulumi-passphrase").read_text().strip()
        keys = first.host.folder.parent
        self.key, self._known = (keys / "key").read_text(), (keys / "known_hosts").read_text()
        self._path = os.environ["PATH"].removeprefix(f"{keys / 'bin'}:")
        self._names = folder / "hosts"
        self._names.write_text("".join(
            f"{stack.host.ip} www.{stack.name}.test\n" for stack in stacks) + Path("/etc/hosts").read_text())

    def run(self, workflow: str) -> list[Ran]:
        """Run all of a workflow's targets but the tests of the checkout itself; fails at the first that does."""
        ran = []
        for stack, target in order(workflow):
            if target.startswith("ci-"):
                done = self._make(stack, target)
                assert done.returncode == 0, f"{target} of {stack}: {done.stdout}"
                ran.append(Ran(stack=stack, target=target, said=done.stdout))
        return ran

    def _make(self, stack: str, target: str) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
        of_job = {"STACK": stack, "PULUMI_BACKEND_URL": f"file://{self._state}"} if stack else {}
        secrets = {"PULUMI_PASSPHRASE": self.passphrase, "SSH_KEY": self.key, "SSH_KNOWN_HOSTS": self._known}
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-euc", _SCRIPT, "sh", str(self._names),
             "make", target], cwd=self._clone, text=True, check=False, timeout=_SECONDS,
            env=kept | {"PATH": self._path} | of_job | (secrets if target == "ci-credentials" else {}),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    @property
    def secrets_folder(self) -> Path:
        """Where the secrets lie between the first step of a job and its last."""
        return self._clone / ".ci-secrets"
