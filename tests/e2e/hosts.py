"""Hosts as a provider lends them: containers of this machine's engine, each with its own sshd and Docker Engine.

They are on a network of theirs, so that each has an address with all ports, as a server has. While they run, every
`ssh` of this process and of its children has the configuration of an operator who may reach them.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from ops.carrying import carry
from ops.docker import Engine
from tests.e2e.deployment import ENGINE_ADDRESS, docker
from tests.e2e.second import copy_images

NETWORK = "e2e-hosts"
"""Of all hosts; this machine has its first address."""

LABEL = "org.stealth-vpn.test-host"
"""Of all that is made here; what clears a server away does not touch it."""

USER = "deploy"
"""Who comes by ssh: of the group docker, and root by sudo without a password."""

# Away from the origins (outside.py), the far one, the address that a server takes for its own (deployment.py), and the
# package registry that some machines have in that range.
_SUBNET, _ADDRESS, _FIRST = "203.0.113.208/28", "203.0.113.{}", 210
_IMAGE = "stealth-vpn-tests/host-{}:local"
_SOURCES = Path(__file__).parent / "host"
_BUILD_SECONDS, _START_SECONDS = 600, 90
# What a file of that size takes besides, and more.
_SLACK_BYTES = 16 << 20
_KEY = "ssh_host_ed25519_key"


@dataclass(frozen=True, kw_only=True)
class Host:
    """One of them, which may be running or not."""

    name: str
    ip: str
    folder: Path
    """Here: its host key, who may come in (`authorized_keys`), and `ssh` for all of them, one folder up."""

    data: Path
    """Here: what its engine keeps."""

    @property
    def address(self) -> str:
        """Its Docker Engine, as a configuration names it."""
        return f"ssh://{USER}@{self.ip}"

    @property
    def engine(self) -> Engine:
        """Its Docker Engine, asked by ssh."""
        return Engine(self.address)

    def docker(self, *words: str) -> str:
        """Run a docker command on the host itself, not by ssh, and return what it prints."""
        return docker("exec", self.name, "docker", *words)

    def run(self, script: str) -> str:
        """Run a shell script on the host as root, not by ssh, and return what it prints."""
        return docker("exec", self.name, "sh", "-euc", script)

    def kill(self) -> None:
        """Take its power away."""
        docker("kill", self.name)

    def start(self) -> None:
        """Give it power again, and wait until it can be reached."""
        docker("start", self.name)
        self.await_ready()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it neither answer nor refuse for as long as the block lasts, as behind a broken line."""
        docker("pause", self.name)
        try:
            yield
        finally:
            docker("unpause", self.name)

    def hang_up(self) -> None:
        """End the connection that every `ssh` here shares, which would last for a minute more."""
        subprocess.run(["ssh", "-O", "exit", self.address], capture_output=True, check=False)

    def new_host_key(self) -> None:
        """Make another key for it, as of another machine at its address; those who know it are not told."""
        _make_key(self.folder / _KEY)
        self.run("pkill -HUP -o sshd")
        self.hang_up()

    def let_know(self) -> None:
        """Let every `ssh` here know the host by its present key alone."""
        known = self.folder.parent / "known_hosts"
        others = [line for line in known.read_text().splitlines() if not line.startswith(f"{self.ip} ")]
        kind, key, *_ = (self.folder / f"{_KEY}.pub").read_text().split()
        known.write_text("\n".join([*others, f"{self.ip} {kind} {key}", ""]))

    @contextmanager
    def locked_out(self) -> Iterator[None]:
        """Refuse every key for as long as the block lasts."""
        file = self.folder / "authorized_keys"
        known = file.read_text()
        file.write_text("")
        self.hang_up()
        try:
            yield
        finally:
            file.write_text(known)

    @contextmanager
    def full(self, left_bytes: int = 0) -> Iterator[None]:
        """Fill the disk of its engine up to so much for as long as the block lasts; only for one made with a disk."""
        # The last of it is written: to reserve all that is free fails.
        written = _SLACK_BYTES if left_bytes else 2 * _SLACK_BYTES
        self.run(f"free=$(df --output=avail -B1 /var/lib/docker | tail -n 1); cd /var/lib/docker; "
                 f"fallocate -l $((free - {left_bytes + _SLACK_BYTES})) fill; "
                 f"head -c {written} /dev/zero >>fill || test {left_bytes} = 0")
        try:
            yield
        finally:
            self.run("rm /var/lib/docker/fill")

    def load(self, images: Sequence[str]) -> None:
        """Bring images of this machine's engine there."""
        assert not carry(Engine(ENGINE_ADDRESS), self.engine, images)

    def await_ready(self) -> None:
        """Wait until it can be reached by ssh, and its engine answers if it has one."""
        has_engine = "ready" in docker("inspect", "--format", "{{.Config.Image}}", self.name)
        probe = "docker version" if has_engine else "true"
        words = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=2", self.address, probe]
        end = time.monotonic() + _START_SECONDS
        while (done := subprocess.run(words, capture_output=True, text=True, check=False)).returncode != 0:
            assert time.monotonic() < end, done.stderr + docker(
                "exec", self.name, "sh", "-c", "tail -n 20 /var/log/sshd.log /var/log/dockerd.log", check=False)
            time.sleep(0.2)


@contextmanager
def hosts(folder: Path, count: int, *, without_docker: bool = False, disk_bytes: int = 0) -> Iterator[list[Host]]:
    """Make hosts for as long as the block lasts, and an `ssh` that reaches them.

    Each begins with this machine's images and what it remembers of their builds, unless it is `without_docker`. With a
    disk of a size of its own these take no room of it.
    """
    target = "bare" if without_docker else "ready"
    docker_build(target)
    clear()
    docker("network", "create", "--label", LABEL, "--subnet", _SUBNET, NETWORK)
    try:
        with ExitStack() as stack:
            stack.enter_context(_every_ssh(folder))
            made = [_host(stack, folder, number) for number in range(1, count + 1)]
            for host in made:
                _begin(host, target, disk_bytes, is_linked=not without_docker)
            for host in made:
                host.await_ready()
            yield made
    finally:
        clear()


def docker_build(target: str) -> None:
    """Build the image of a host, `bare` or `ready`."""
    done = subprocess.run(["docker", "build", "--tag", _IMAGE.format(target), "--target", target, str(_SOURCES)],
                          capture_output=True, text=True, check=False, timeout=_BUILD_SECONDS)
    assert done.returncode == 0, done.stderr[-2000:]


def clear() -> None:
    """Remove all hosts and their network, which may be of a run that was ended by force."""
    if found := docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}").split():
        docker("rm", "--force", "--volumes", *found)
    docker("network", "rm", "--force", NETWORK)
    for data in _root().glob(f"{NETWORK}-*"):
        _remove(data)


def _root() -> Path:
    return Path(docker("info", "--format", "{{.DockerRootDir}}"))


def _host(stack: ExitStack, folder: Path, number: int) -> Host:
    name = f"e2e-host-{number}"
    # On the file system of this engine's own data, whose images are linked and not copied.
    made = Host(name=name, ip=_ADDRESS.format(_FIRST - 1 + number), folder=folder / name,
                data=_root() / f"{NETWORK}-{number}")
    made.folder.mkdir()
    _make_key(made.folder / _KEY)
    shutil.copy(folder / "key.pub", made.folder / "authorized_keys")
    made.let_know()
    stack.callback(_remove, made.data)
    return made


def _begin(host: Host, target: str, disk_bytes: int, *, is_linked: bool) -> None:
    if is_linked:
        copy_images(_root(), host.data)
    else:
        host.data.mkdir(exist_ok=True)
    if disk_bytes:
        with (host.data / "disk").open("wb") as disk:
            disk.truncate(disk_bytes)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(host.data / "disk")], check=True)
    docker("run", "--detach", "--privileged", "--cgroupns", "private", "--name", host.name, "--hostname", host.name,
           "--label", LABEL, "--network", NETWORK, "--ip", host.ip, "--tmpfs", "/run",
           "--volume", f"{host.folder}:/host",
           "--volume", f"{host.data}:{'/lent' if disk_bytes else '/var/lib/docker'}", _IMAGE.format(target))


@contextmanager
def _every_ssh(folder: Path) -> Iterator[None]:
    """Make the keys of an operator, and the `ssh` that knows them: it has no other way to a configuration."""
    _make_key(folder / "key")
    (folder / "known_hosts").touch()
    # The name of a socket has room for a hundred letters.
    with tempfile.TemporaryDirectory(prefix="ssh") as short:
        config = folder / "config"
        config.write_text(f"IdentityFile {folder}/key\nIdentitiesOnly yes\nUserKnownHostsFile {folder}/known_hosts\n"
                          f"GlobalKnownHostsFile /dev/null\n")
        program = folder / "bin" / "ssh"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {config} -o "ControlPath={short}/%C" "$@"\n')
        program.chmod(0o755)
        with mock.patch.dict(os.environ, {"PATH": f"{program.parent}:{os.environ['PATH']}"}):
            yield


def _make_key(file: Path) -> None:
    for old in (file, file.with_name(f"{file.name}.pub")):
        old.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)], check=True)


def _remove(data: Path) -> None:
    subprocess.run(["rm", "-rf", "--one-file-system", str(data)], check=False)
