"""Our own docker provider over ssh, to a server of the test's own on loopback."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.conftest import DockerProject, docker

pytestmark = pytest.mark.integration


@dataclass(frozen=True, kw_only=True)
class Server:
    """An ssh server whose only user is the one who runs the test."""

    folder: Path
    port: int

    def provider(self, name: str, known_hosts: str = "known_hosts", port: int = 0) -> str:
        options = ["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
                   "-o", f"IdentityFile={self.folder}/key", "-o", "StrictHostKeyChecking=yes",
                   "-o", f"UserKnownHostsFile={self.folder}/{known_hosts}"]
        address = f"ssh://{getpass.getuser()}@127.0.0.1:{port or self.port}"
        return f'{name} = docker.Provider("{name}", host="{address}", ssh_opts={options!r})\n'


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    daemon = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
    assert daemon, "sshd is missing: `apt-get install openssh-server` brings it"
    folder = tmp_path_factory.mktemp("ssh")
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
        yield Server(folder=folder, port=port)
    finally:
        running.terminate()
        running.wait(timeout=10)


def test_a_container_and_its_image_are_made_over_ssh_with_the_programs_own_options(
    trial: DockerProject, server: Server,
) -> None:
    context = trial.folder / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM provider-test-base:local\nCOPY hello /hello\n")
    (context / "hello").write_text("over ssh")
    trial.use(server.provider("far") + """
host = far
here = pulumi.ResourceOptions(provider=host)
image = docker.Image("image", image_name="provider-test-built:ssh", skip_push=True, opts=here,
    build=docker.DockerBuildArgs(context="context", platform="linux/PLATFORM"))
for name in "abcdefgh":
    box(name, image=image.repo_digest)
""".replace("PLATFORM", docker("version", "--format", "{{.Server.Arch}}")))
    trial.done("--parallel", "16")
    assert docker("exec", "provider-test-h", "cat", "/hello") == "over ssh"
    trial.unchanged()
    assert trial.run("destroy", "--yes", "--skip-preview").returncode == 0
    assert not docker("ps", "--all", "--quiet", "--filter", "name=provider-test-")


def test_a_wrong_host_key_and_a_closed_port_are_told_in_one_sentence(trial: DockerProject, server: Server) -> None:
    closed = free_port()
    trial.use(server.provider("wrong", "wrong_hosts") + server.provider("closed", port=closed) + """
for provider, name in ((wrong, "wrong"), (closed, "closed")):
    docker.Volume(name, name="provider-test-" + name, opts=pulumi.ResourceOptions(provider=provider))
""")
    said = trial.fails("--continue-on-error")
    user = getpass.getuser()
    assert (f"Docker Engine at ssh://{user}@127.0.0.1:{server.port} does not answer: "
            "Host key verification failed. Start it, or change it with") in said
    assert (f"Docker Engine at ssh://{user}@127.0.0.1:{closed} does not answer: "
            f"ssh: connect to host 127.0.0.1 port {closed}: Connection refused. Start it, or change it with") in said
