"""The one place where these commands talk to a Docker Engine: by its own command line, which knows ssh too."""

import io
import json
import os
import re
import subprocess
import tarfile
import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components import ssh

from . import reach
from .errors import OperatorError

CADDY = "stealth-caddy"
"""The container that publishes the ports."""

STACK_LABEL = "org.stealth-vpn.stack"
"""Label of all that a stack has made, with its name."""

_TIMEOUT_SECONDS = 60
# By its default an ssh server refuses at random once ten wait to be let in (MaxStartups of sshd_config(5)), and others
# want in as well.
_CONNECTIONS = 4
_SSH = Path(__file__).parents[1] / "toolchain" / "ssh"
_LOG_LINES = "2000"
# sudo forgets by which address and port somebody came, which a firewall must not close.
_SHELL = ('if [ "$(id -u)" != 0 ] && sudo -n true </dev/null 2>/dev/null; '
          'then exec sudo -n env SSH_CONNECTION="${SSH_CONNECTION:-}" sh -s; else exec sh -s; fi')


@dataclass(frozen=True, kw_only=True)
class Container:
    """One of our containers as the engine sees it."""

    name: str
    state: str
    """created, running, restarting, exited ..."""

    health: str
    """healthy, unhealthy, starting, or empty when it has no health check or does not run."""


class Engine:
    """A Docker Engine by its address."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._turn: AbstractContextManager[object] = (
            threading.BoundedSemaphore(_CONNECTIONS) if ssh.is_ssh(host) else nullcontext())

    def version(self) -> str:
        """Return the engine's version; raises OperatorError when it does not answer."""
        done = self._run("version", "--format", "{{.Server.Version}}")
        if done.returncode != 0:
            raise OperatorError(reach.sentence(self.host, done.stderr))
        return done.stdout.strip()

    def answers(self) -> bool:
        """Tell whether the engine can be reached."""
        try:
            self.version()
        except OperatorError:
            return False
        return True

    def is_experimental(self) -> bool:
        """Tell whether the engine was started with its experimental features."""
        return self._run("info", "--format", "{{.ExperimentalBuild}}").stdout.strip() == "true"

    def services(self, stack: str) -> list[Container]:
        """Return the stack's services, without the writers, which never run."""
        return sorted(map(_container, self.inspect_services(stack)), key=lambda item: item.name)

    def inspect_services(self, stack: str) -> list[dict[str, Any]]:
        """Return all that the engine knows of each of the stack's services, in its own words."""
        return [entry for entry in self._inspect_all(stack) if not entry["Name"].endswith("-writer")]

    def check(self, container: str) -> str:
        """Run a container's own health check now; return what it found wrong, empty if nothing.

        The engine's verdict is as old as the check's interval.
        """
        told = self._run("inspect", container, "--format", "{{json .Config.Healthcheck.Test}}")
        if told.returncode != 0:
            return f"{container} cannot be asked: {last_line(told.stderr)}"
        kind, *command = json.loads(told.stdout) or [""]
        if kind != "CMD":
            return f"{container} has no health check"
        done = self._run("exec", container, *command)
        return "" if done.returncode == 0 else last_line(done.stdout or done.stderr)

    def publishers(self) -> dict[str, str]:
        """Return the names of the containers that publish ports, by port and transport such as 443/tcp."""
        shown = self._run("ps", "--format", "{{.Names}} {{.Ports}}").stdout
        return {f"{port}/{transport}": line.split()[0] for line in shown.splitlines()
                for port, transport in re.findall(r":(\d+)->\d+/(\w+)", line)}

    def has_image(self, name: str) -> bool:
        """Tell whether an image of that name is there."""
        return self._run("image", "inspect", name).returncode == 0

    def image_id(self, name: str) -> str:
        """Return the id of the image of that name; empty if there is none."""
        return self.ask("image", "inspect", "--format", "{{.Id}}", name).stdout.strip()

    def data_folder(self) -> str:
        """Return the folder in which the engine keeps images and volumes."""
        return self._run("info", "--format", "{{.DockerRootDir}}").stdout.strip()

    def logs(self, name: str) -> str:
        """Return what a container has said last; empty if there is none."""
        done = self._run("logs", "--tail", _LOG_LINES, name)
        return done.stdout + done.stderr

    def remove_own(self, kind: str, name: str, stack: str) -> bool:
        """Remove a container or network if it carries the stack's label; tell whether it did."""
        labels = ".Config.Labels" if kind == "container" else ".Labels"
        found = self._run(kind, "inspect", name, "--format", f'{{{{index {labels} "{STACK_LABEL}"}}}}')
        if found.returncode != 0 or found.stdout.strip() != stack:
            return False
        force = ["--force"] if kind == "container" else []
        return self._run(kind, "rm", *force, name).returncode == 0

    def execute(self, container: str, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program in a running container, with text on its standard input."""
        return self._run("exec", "--interactive", container, *command, stdin=stdin)

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a docker command, whatever comes of it."""
        return self._run(*words)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a docker command that is written to, with all that it says in one stream."""
        return subprocess.Popen(  # noqa: S603 - as below
            ["docker", "--host", self.host, *words], text=True, env=_environment(self.host),  # noqa: S607 - as below
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            # Not in the terminal's group: who started it ends it, also after Ctrl-C.
            start_new_session=True)

    def stream(self, *words: str, is_fed: bool = False) -> subprocess.Popen[bytes]:
        """Start a docker command whose output, and input if it is fed, are bytes; who started it ends it."""
        return subprocess.Popen(  # noqa: S603 - as below
            ["docker", "--host", self.host, *words], env=_environment(self.host),  # noqa: S607 - as below
            stdin=subprocess.PIPE if is_fed else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True)

    def copied_out(self, container: str, path: str) -> subprocess.CompletedProcess[bytes]:
        """Return a folder of a container as a tar, whatever comes of it."""
        process = self.stream("cp", f"{container}:{path}", "-")
        said, faults = process.communicate(timeout=_TIMEOUT_SECONDS)
        return subprocess.CompletedProcess((), process.returncode, said, faults)

    def text_of(self, container: str, path: str) -> str:
        """Return the text of a file of a container; empty if there is none."""
        done = self.copied_out(container, path)
        if done.returncode != 0:
            return ""
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
            stream = tar.extractfile(tar.getmembers()[0])
            return stream.read().decode(errors="replace") if stream else ""

    def on_host(self, script: str, *, seconds: int = _TIMEOUT_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run a shell script on the engine's machine: here, or by the same ssh that its commands take.

        As root where this user is, or may be by sudo without a password; else as this user.
        """
        command = ssh.command(self.host, _SHELL) if ssh.is_ssh(self.host) else ["sh", "-c", _SHELL]
        return self._finished(command, script, _environment(), seconds)

    def _inspect_all(self, stack: str) -> list[dict[str, Any]]:
        ids = self._run("ps", "--all", "--quiet", "--filter", f"label={STACK_LABEL}={stack}").stdout.split()
        if not ids:
            return []
        parsed: list[dict[str, Any]] = json.loads(self._run("inspect", *ids).stdout)
        return parsed

    def _run(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return self._finished(["docker", "--host", self.host, *words], stdin, _environment(self.host))

    def _finished(
        self, command: list[str], stdin: str | None, environment: dict[str, str], seconds: int = _TIMEOUT_SECONDS,
    ) -> subprocess.CompletedProcess[str]:
        try:
            with self._turn:
                return subprocess.run(  # noqa: S603 - fixed words and an address that was checked
                    command, capture_output=True, text=True, encoding="utf-8",
                    # A log may hold anything.
                    errors="replace", timeout=seconds, check=False, env=environment, input=stdin)
        except FileNotFoundError as error:
            raise OperatorError(f"the program `{command[0]}` is not here. Install it with `make setup`.") from error
        except subprocess.TimeoutExpired as error:
            raise OperatorError(
                f"Docker Engine at {self.host} gave no answer in {seconds} s. "
                "Look at it with `docker info`, and restart it if that hangs too.") from error


def _environment(host: str = "") -> dict[str, str]:
    # A DOCKER_HOST or a context of the operator's own shell must not decide where we look.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DOCKER_")}
    if not ssh.is_ssh(host):
        return kept
    # Docker's command line looks ssh up in PATH and gives it no options but its own.
    return kept | {"PATH": f"{_SSH}:{kept.get('PATH', os.defpath)}", "STEALTH_VPN_SSH_OPTIONS": " ".join(ssh.words())}


def _container(entry: dict[str, Any]) -> Container:
    state = entry["State"]
    return Container(name=entry["Name"].removeprefix("/"), state=state["Status"],
                     health=state.get("Health", {}).get("Status", ""))


def last_line(text: str) -> str:
    """Return the last line of what a command said, without its full stop."""
    lines = text.strip().splitlines()
    return lines[-1].rstrip(".") if lines else "no reason was given"
