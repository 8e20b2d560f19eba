"""Asks the target Docker Engine the one thing a program must know before it starts: how many cores it has."""

import http.client
import json
import socket
import subprocess
from urllib.parse import urlsplit

from . import ssh
from .errors import SettingsError

_TIMEOUT_SECONDS = 10


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def cpu_count(docker_host: str) -> int:
    """Return the number of cores of the engine at `unix://` or `ssh://`; raises SettingsError."""
    address = urlsplit(docker_host)
    try:
        return _over_ssh(docker_host) if ssh.is_ssh(docker_host) else _over_socket(address.path)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        raise SettingsError(
            f"dockerHost {docker_host} does not answer ({error.__class__.__name__}), "
            "but `resourceProfile: auto` asks it for its number of cores. "
            "Start Docker there, or run `pulumi config set resourceProfile standard`.") from error


def _over_socket(path: str) -> int:
    connection = _SocketConnection(path)
    try:
        # Docker Engine API, GET /info: NCPU.
        connection.request("GET", "/info")
        return int(json.load(connection.getresponse())["NCPU"])
    finally:
        connection.close()


def _over_ssh(docker_host: str) -> int:
    done = subprocess.run(  # noqa: S603 - the host was checked to begin with ssh://
        # A machine that is yet to be made ready has no Docker.
        ssh.command(docker_host, "docker info --format '{{.NCPU}}' 2>/dev/null || nproc"),
        capture_output=True, text=True, timeout=3 * _TIMEOUT_SECONDS, check=True)
    return int(done.stdout)
