"""A machine that has nothing but an ssh server becomes a server by one deploy, and gets again what it has lost."""

from collections.abc import Iterator

import pytest

from tests.e2e.deployment import Server
from tests.e2e.hosts import hosts
from tests.e2e.machines import build_images
from tests.e2e.stacks import Stack

pytestmark = pytest.mark.integration

_FILES = ("/etc/docker/daemon.json", "/etc/sysctl.d/60-stealth-vpn.conf", "/etc/ufw/user.rules")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    build_images(tmp_path_factory.mktemp("here"))
    folder = Server(tmp_path_factory.mktemp("checkout")).folder
    with hosts(tmp_path_factory.mktemp("hosts"), 1, without_docker=True) as (host,):
        yield Stack(folder, "prod", host)


def made_at(stack: Stack) -> str:
    """When each file was written that makes the machine ready, and Docker was started."""
    return stack.host.run(f"stat -c '%n %Y' {' '.join(_FILES)} /run/docker.pid /var/run/docker.sock")


def test_one_deploy_makes_a_server_of_a_bare_machine_and_the_next_one_changes_nothing(stack: Stack) -> None:
    said = stack.up()
    assert "command stealth-host created" in said
    assert "command stealth-carriage created" in said
    assert "6 containers healthy" in said
    assert stack.is_well()
    status = stack.ops("status")
    assert (status.returncode, "All is well: 6 services are healthy." in status.stdout) == (0, True)
    allowed = stack.host.run("ufw status")
    assert all(f"\n{port} " in allowed for port in ("22/tcp", "80/tcp", "443/tcp", "443/udp"))
    assert "true" in stack.host.docker("info", "--format", "{{.LiveRestoreEnabled}}")
    assert "docker" in stack.host.run("id -nG deploy").split()
    before, files = stack.containers(), made_at(stack)
    assert "No changes; 6 containers healthy" in stack.up()
    stack.unchanged()
    assert (stack.containers(), made_at(stack)) == (before, files)


def test_other_ports_are_opened_by_another_run_of_the_script_which_leaves_the_rest(stack: Stack) -> None:
    files = made_at(stack)
    stack.configure(httpPort=8080)
    assert "command stealth-host updated" in stack.up()
    assert "\n8080/tcp " in stack.host.run("ufw status")
    assert made_at(stack).splitlines()[:2] == files.splitlines()[:2], "Docker and kernel are as they were"


def test_an_image_that_was_lost_with_its_container_comes_again_under_its_id(stack: Stack) -> None:
    was = stack.host.docker("inspect", "--format", "{{.Image}}", "stealth-trojan")
    stack.host.docker("rm", "--force", "stealth-trojan", "stealth-trojan-writer")
    stack.host.docker("rmi", "--force", was)
    said = stack.up()
    assert "command stealth-carriage" in said
    assert stack.is_well()
    assert stack.host.docker("inspect", "--format", "{{.Image}}", "stealth-trojan") == was
