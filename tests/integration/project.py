"""A throw-away Pulumi project that tests run the real CLI on."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".toolchain" / "bin"


class Project:
    """A throw-away Pulumi project with a backend, a home and a passphrase of its own."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder
        (folder / "state").mkdir()
        (folder / "passphrase").write_text("only for this test")
        options = f"{{toolchain: pip, virtualenv: {sys.prefix}}}"
        (folder / "Pulumi.yaml").write_text(
            f"name: trial\nruntime: {{name: python, options: {options}}}\n"
            "config: {greeting: {type: string, default: hello}}\n")
        self.write(program)
        assert self.run("stack", "init", "local").returncode == 0

    def write(self, program: str) -> None:
        (self.folder / "__main__.py").write_text(dedent(program))

    def environment(self) -> dict[str, str]:
        """The surroundings of a command: nothing of this machine's own Pulumi."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
        return environment | {
            "PATH": f"{TOOLS}:{environment['PATH']}",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.folder / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # The docker package is installed, its plugin is not: without this each run tries to download it.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(TOOLS / "pulumi"), "--non-interactive", *arguments],
            cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=120, check=False)

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command, of which nobody wants to know what it says."""
        return subprocess.Popen(
            [str(TOOLS / "pulumi"), "--non-interactive", *arguments], cwd=self.folder, env=self.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("up", "--yes", *arguments)
