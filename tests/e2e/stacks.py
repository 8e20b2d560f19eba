"""Stacks of one checkout, each on a host of its own that is reached by ssh, run by the operator's own commands."""

import json
import os
import subprocess
from pathlib import Path

from tests.e2e.deployment import RESOLVER, SERVICES
from tests.e2e.hosts import Host

_SECONDS = 900


class Stack:
    """A stack and the host that it is for."""

    def __init__(self, folder: Path, name: str, host: Host, **settings: object) -> None:
        self.folder, self.name, self.host, self._settings = folder, name, host, settings
        self.configure()

    def configure(self, **changes: object) -> None:
        """Write the stack's file anew."""
        file = self.folder / f"Pulumi.{self.name}.yaml"
        salt = [line for line in file.read_text().splitlines() if line.startswith("encryptionsalt")] \
            if file.exists() else []
        values = {"domain": f"{self.name}.test", "email": "admin@example.test", "dockerHost": self.host.address,
                  "resourceProfile": "standard", "dnsServers": [RESOLVER], **self._settings, **changes}
        lines = [f"  stealth-vpn:{key}: {json.dumps(value)}" for key, value in values.items()]
        file.write_text("\n".join([*salt, "config:", *lines, ""]))

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command on the stack, with the project's tools on its path."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
        return subprocess.Popen(
            [str(self.folder / "toolchain" / "run.sh"), *words], cwd=self.folder, text=True,
            env=environment | {"STACK": self.name}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run such a command to its end; standard error is in stdout."""
        process = self.start(*words)
        output, _ = process.communicate(timeout=_SECONDS)
        return subprocess.CompletedProcess(words, process.returncode, output)

    def ops(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of the operator's commands."""
        return self.run("python", "-m", "ops", *words)

    def up(self) -> str:
        """Deploy; fails with all that was said when it does not work."""
        done = self.ops("up")
        assert done.returncode == 0, done.stdout
        return done.stdout

    def fails(self, *words: str) -> str:
        """Run one of the operator's commands, which must fail, and return what it says."""
        done = self.ops(*words)
        assert done.returncode == 1, done.stdout
        return done.stdout

    def unchanged(self) -> None:
        """Fail unless there is nothing to be done, also after a look at the engine."""
        done = self.run("pulumi", "preview", "--refresh", "--diff", "--expect-no-changes", "--stack", self.name,
                        "--non-interactive")
        assert done.returncode == 0, done.stdout

    def containers(self) -> dict[str, str]:
        """Return the container id of each service that runs and is healthy, looked at on the host itself."""
        lines = self.host.docker("ps", "--no-trunc", "--filter", "health=healthy", "--format", "{{.Names}} {{.ID}}")
        return {name.removeprefix("stealth-"): id_ for name, id_ in map(str.split, lines.splitlines())}

    def images(self) -> dict[str, str]:
        """Return the image id of each service, looked at on the host itself."""
        names = [f"stealth-{name}" for name in SERVICES]
        return dict(zip(SERVICES, self.host.docker("inspect", "--format", "{{.Image}}", *names).split(), strict=True))

    def is_well(self) -> bool:
        """Tell whether all services run and are healthy."""
        return self.containers().keys() == set(SERVICES)
