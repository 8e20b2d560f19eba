"""A throw-away checkout of the toolchain, on a machine whose commands are partly faked."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

from tests.integration.project import ROOT

# What a bare machine lacks, and what would reach out of the test.
HIDDEN = ("apt-get", "debootstrap", "docker", "dockerd", "dpkg", "getent", "go", "pulumi", "python", "sg", "sudo",
          "systemctl")

# Stands for the vendor's Pulumi and for one built from source.
PULUMI = """
    #!/bin/sh
    case "$1 $2" in
    "version ") echo v3.259.0 ;;
    "plugin install")
        folder=$PULUMI_HOME/plugins/resource-$4-v$5
        mkdir -p "$folder"
        echo "$*" >"$folder/pulumi-resource-$4"
        chmod +x "$folder/pulumi-resource-$4"
        ;;
    esac
"""

# Builds in no time: a fake Pulumi, or a program that holds its own sources.
GO = """
    #!/bin/sh
    case $1 in
    version) echo "go version go1.24.4 linux/amd64" ;;
    env) echo /nonexistent ;;
    list) echo "$FAKE_MODULE" ;;
    build)
        until [ "$1" = -o ]; do shift; done
        output=$2
        case $output in
        */bin/pulumi | */bin/pulumi.new) cp "$FAKE_PULUMI" "$output" ;;
        *) cat ./*.go >"$output" ;;
        esac
        chmod +x "$output"
        ;;
    esac
"""


# For those who run the tests without root's rights: what it starts is faked as well.
SUDO = """
    #!/bin/sh
    while :; do case $1 in -*) shift ;; *) exec "$@" ;; esac; done
"""


class Checkout:
    """The scripts of toolchain/ in a folder of their own, so that their .toolchain and .venv are too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.fakes = folder / "fakes"
        self.tools = folder / "tools"
        self.socket = folder / "docker.sock"
        self.environment: dict[str, str] = {}
        (self.folder / "toolchain").mkdir(parents=True)
        self.fakes.mkdir()
        self._link_tools()
        for file in [*(ROOT / "toolchain").glob("*.sh"), ROOT / "toolchain" / "fetch.py"]:
            shutil.copy(file, self.folder / "toolchain")
        for module in ("cli", "languagehost", "providers"):
            made = self.folder / "toolchain" / module
            made.mkdir()
            for name in ("go.mod", "go.sum", "main.go"):
                (made / name).write_text(f"// {module}\n")
        (self.folder / "toolchain" / "languagehost" / "warm.py").write_text("# embedded\n")
        (self.folder / "requirements.txt").write_text("")
        self.fake("sudo", SUDO)

    def _link_tools(self) -> None:
        self.tools.mkdir()
        for place in ("/usr/bin", "/usr/sbin", "/bin", "/sbin"):
            for file in Path(place).iterdir():
                link = self.tools / file.name
                if not file.name.startswith(HIDDEN) and not link.is_symlink():
                    link.symlink_to(file)

    def fake(self, name: str, script: str) -> Path:
        """Put a command of this name before all others."""
        file = self.fakes / name
        file.write_text(dedent(script).lstrip())
        file.chmod(0o755)
        return file

    def with_python(self) -> None:
        """Use the tests' own Python, so that no environment is made."""
        (self.folder / ".venv" / "bin").mkdir(parents=True)
        (self.folder / ".venv" / "bin" / "python").symlink_to(sys.executable)

    def with_go(self) -> None:
        """Let builds succeed without a compiler."""
        self.fake("go", GO)
        exec_file = self.fakes / "module" / "python" / "cmd" / "pulumi-language-python-exec"
        exec_file.parent.mkdir(parents=True)
        exec_file.write_text("")
        built = self.fakes / "built-pulumi"
        built.write_text(dedent(PULUMI).lstrip())
        self.environment |= {"FAKE_MODULE": str(self.fakes / "module"), "FAKE_PULUMI": str(built)}

    def start(self, script: str, *words: str, **more: str) -> subprocess.Popen[str]:
        """Start a script of the toolchain in a process group of its own."""
        kept = {name: value for name, value in os.environ.items()
                if name in {"HOME", "LANG", "USER"} or name.startswith(("SSL_", "PIP_"))}
        environment = kept | self.environment | {
            "PATH": f"{self.fakes}:{self.tools}", "STEALTH_VPN_DOCKER_SOCKET": str(self.socket),
            "STEALTH_VPN_DOCKER_LOG": str(self.fakes / "dockerd.log")} | more
        return subprocess.Popen(
            [str(self.folder / "toolchain" / script), *words], cwd=self.folder, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def run(self, script: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a script to its end; standard error is in stdout."""
        process = self.start(script, *words, **more)
        output, _ = process.communicate(timeout=120)
        return subprocess.CompletedProcess(script, process.returncode, output)

    def made(self) -> dict[str, tuple[int, int]]:
        """Tell each file under .toolchain with its inode and time of change; logs and the lock aside."""
        found = {}
        for file in (self.folder / ".toolchain").rglob("*"):
            if file.is_file() and file.parent.name != "logs" and file.name != "lock":
                found[str(file.relative_to(self.folder))] = (file.stat().st_ino, file.stat().st_mtime_ns)
        return found

    def wait_for(self, pattern: str) -> Path:
        """Wait until a file of this pattern is there."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for file in self.folder.glob(pattern):
                return file
            time.sleep(0.02)
        raise AssertionError(f"{pattern} did not come")


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence with which a script ended; fails if it succeeded or said more than that."""
    assert done.returncode != 0, done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("Error: ")]
    assert "Traceback" not in done.stdout
    assert done.stdout.rstrip().endswith(line)
    return line.removeprefix("Error: ")
