"""An ssh server of the tests' own on loopback, whose only user is the one who runs the test."""

import getpass
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class SshServer:
    """Where it listens, and the folder with the keys of both sides."""

    folder: Path
    port: int

    def options(self, known_hosts: str = "known_hosts") -> list[str]:
        """Return what a client needs to get in, and to ask nobody."""
        return ["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
                "-o", f"IdentityFile={self.folder}/key", "-o", "StrictHostKeyChecking=yes",
                "-o", f"UserKnownHostsFile={self.folder}/{known_hosts}"]

    @property
    def address(self) -> str:
        """The Docker Engine behind it, as a configuration names it."""
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}"

    def let_every_ssh_know(self) -> Path:
        """Make an `ssh` that gets in by itself; return the folder that a PATH must begin with."""
        program = self.folder / "bin" / "ssh"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec /usr/bin/ssh {shlex.join(self.options())} "$@"\n')
        program.chmod(0o755)
        return program.parent

    def provider(self, name: str, known_hosts: str = "known_hosts", port: int = 0, more: Sequence[str] = ()) -> str:
        """Return the line of a program that makes a Docker provider by this server, with more options if need be."""
        address = f"ssh://{getpass.getuser()}@127.0.0.1:{port or self.port}"
        options = [*self.options(known_hosts), *more]
        return f'{name} = docker.Provider("{name}", host="{address}", ssh_opts={options!r})\n'


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """Run the server for as long as the block lasts; `wrong_hosts` in its folder knows it by another key."""
    daemon = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
    assert daemon, "sshd is missing: `apt-get install openssh-server` brings it"
    for key in ("key", "host", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
    port = free_port()
    shutil.copy(folder / "key.pub", folder / "authorized_keys")
    for known, key in (("known_hosts", "host"), ("wrong_hosts", "other")):
        public = (folder / f"{key}.pub").read_text().split()
        (folder / known).write_text(f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized_keys\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nSetEnv PATH={os.environ['PATH']}\n")
    Path("/run/sshd").mkdir(exist_ok=True)  # sshd's place of privilege separation on Debian
    with (folder / "log").open("w") as log:
        running = subprocess.Popen([daemon, "-D", "-e", "-f", str(folder / "config")], stderr=log)
    try:
        answered = False
        for _ in range(100):
            with socket.socket() as attempt:
                answered = attempt.connect_ex(("127.0.0.1", port)) == 0
            if answered:
                break
            time.sleep(0.05)
        assert answered, (folder / "log").read_text()
        yield SshServer(folder=folder, port=port)
    finally:
        running.terminate()
        running.wait(timeout=10)
