"""The plain Caddy to compare with: a container of the stack's own image, for the time of one probe."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from components.rendering import render

from ..docker import CADDY, Engine, last_line
from ..errors import OperatorError
from .probes import NAMES
from .session import context

NAME = "stealth-probe"
"""Of the container and of its network, which reaches no other machine."""

_READY_SECONDS = 15


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the reference must know of the server that it imitates."""

    domain: str
    https_port: int
    change: Callable[[str], str] = str
    """Made to the configuration in the end: a test makes it another server's."""

    @property
    def names(self) -> list[str]:
        """All host names of the server."""
        return [f"{label}.{self.domain}" for label in NAMES]

    def caddyfile(self) -> str:
        """Return the plain Caddy's configuration."""
        return self.change(render(
            "probe/Caddyfile.j2", site=f"www.{self.domain}", names=self.names,
            # TUIC's name answers no HTTP/3, so it must not promise it.
            without_http3=[f"t.{self.domain}"], alternative_port=self.https_port,
            public_port_suffix="" if self.https_port == 443 else f":{self.https_port}"))


@contextmanager
def reference(engine: Engine, stack: str, site: Site) -> Iterator[str]:
    """Run the plain Caddy for as long as the block lasts, and give its address.

    It is as hardened as the services. Certificates' authority and site come from the server's own volumes,
    read-only, and the configuration by standard input.
    """
    _remove(engine)
    _must(engine, "network", "create", "--internal", "--label", f"org.stealth-vpn.probe={stack}", NAME)
    try:
        image = _must(engine, "container", "inspect", CADDY, "--format", "{{.Image}}")
        process = engine.start(
            "run", "--interactive", "--rm", "--pull", "never", "--name", NAME, "--network", NAME,
            "--label", f"org.stealth-vpn.probe={stack}",
            "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--user", "10001:10001",
            "--tmpfs", "/tmp:rw,noexec,nosuid,nodev,size=16m,uid=10001",  # noqa: S108 - inside
            "--memory", "512m", "--pids-limit", "512",
            "--ulimit", "nofile=16384:16384", "--volumes-from", f"{CADDY}:ro", "--env", "XDG_DATA_HOME=/tmp",
            "--entrypoint", "/usr/local/bin/caddy", image, "run", "--config", "-", "--adapter", "caddyfile")
        if process.stdin is not None:
            process.stdin.write(site.caddyfile())
            process.stdin.close()
        yield _address(engine, process, site.names)
    finally:
        _remove(engine)


def address_of_server(engine: Engine) -> str:
    """Return where the server's own container is reached from its host; raises OperatorError when it does not run.

    Not the published port: Docker's proxy for connections from the host itself would hide how they end.
    """
    return _must(engine, "container", "inspect", CADDY, "--format",
                 '{{(index .NetworkSettings.Networks "stealth-vpn").IPAddress}}')


def _address(engine: Engine, process: subprocess.Popen[str], names: list[str]) -> str:
    """Wait until it has a certificate for each name."""
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        found = engine.ask("container", "inspect", NAME, "--format",
                           f'{{{{(index .NetworkSettings.Networks "{NAME}").IPAddress}}}}').stdout.strip()
        if found and all(_shakes_hands(found, name) for name in names):
            return found
        time.sleep(0.2)
    process.kill()
    said = process.communicate()[0].strip().splitlines()[-1:] or ["it said nothing"]
    raise OperatorError(
        f"the plain Caddy to compare with does not start: {said[0]}. Look at templates/probe/Caddyfile.j2.")


def _shakes_hands(address: str, name: str) -> bool:
    try:
        with (socket.create_connection((address, 443), timeout=2) as plain,
              context().wrap_socket(plain, server_hostname=name)):
            return True
    except OSError:
        return False


def _remove(engine: Engine) -> None:
    """Remove container and network, those of a killed run too."""
    engine.ask("rm", "--force", NAME)
    engine.ask("network", "rm", NAME)


def _must(engine: Engine, *words: str) -> str:
    done = engine.ask(*words)
    if done.returncode != 0:
        raise OperatorError(f"`docker {' '.join(words[:3])}` failed: {last_line(done.stderr)}. "
                            "Is the server up? `make up` brings it.")
    return done.stdout.strip()
