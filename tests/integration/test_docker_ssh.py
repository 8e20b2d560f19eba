"""Our own docker provider over ssh, to a server of the test's own on loopback."""

import getpass
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from components import ssh
from tests.integration.conftest import DockerProject, container_id, docker
from tests.integration.ssh import SshServer, free_port, ssh_server

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("ssh")) as made:
        yield made


def test_a_container_and_its_image_are_made_over_ssh_with_the_programs_own_options(
    trial: DockerProject, server: SshServer,
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


def test_other_options_for_ssh_replace_nothing_and_one_connection_serves_all(
    trial: DockerProject, server: SshServer,
) -> None:
    boxes = """
host = far
for name in "abcdefgh":
    box(name)
"""
    trial.use(server.provider("far") + boxes)
    trial.done()
    made = {name: container_id(name) for name in "abcdefgh"}
    # The options that every stack by ssh gets; the first of each name counts, so the socket is the test's own.
    with tempfile.TemporaryDirectory(prefix="ssh") as short:
        trial.use(server.provider("far", more=["-o", f"ControlPath={short}/%C", *ssh.words()]) + boxes)
        said = trial.done("--refresh")
        assert "1 updated" in said
        assert "replaced" not in said
        assert {name: container_id(name) for name in "abcdefgh"} == made
        trial.unchanged()
        (shared,) = Path(short).iterdir()
        assert shared.is_socket()
        subprocess.run(["ssh", "-o", f"ControlPath={shared}", "-O", "exit", "any"], check=True, capture_output=True)


def test_a_wrong_host_key_and_a_closed_port_are_told_in_one_sentence(trial: DockerProject, server: SshServer) -> None:
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
