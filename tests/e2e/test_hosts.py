"""Staging and production on hosts of their own, by ssh: both stand, and what goes wrong on the way is told and mended.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.deployment import Server
from tests.e2e.hosts import Host, hosts
from tests.e2e.machines import build_images
from tests.e2e.stacks import Stack

pytestmark = pytest.mark.integration


@dataclass(frozen=True, kw_only=True)
class Two:
    """Both stacks, each deployed to its own host."""

    staging: Stack
    production: Stack
    said: tuple[str, str]
    """What the deploys said."""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    build_images(tmp_path_factory.mktemp("here"))
    folder = Server(tmp_path_factory.mktemp("checkout")).folder
    with hosts(tmp_path_factory.mktemp("hosts"), 2) as (first, second):
        staging, production = Stack(folder, "staging", first), Stack(folder, "prod", second)
        running = [stack.start("python", "-m", "ops", "up") for stack in (staging, production)]
        said = tuple(process.communicate(timeout=900)[0] for process in running)
        assert [process.returncode for process in running] == [0, 0], "\n".join(said)
        yield Two(staging=staging, production=production, said=(said[0], said[1]))


@pytest.fixture
def other_unharmed(two: Two) -> Iterator[None]:
    """Production keeps the very containers that it has, whatever a test does to staging's host."""
    before = two.production.containers()
    yield
    assert two.production.is_well()
    assert two.production.containers() == before


def test_staging_and_production_stand_by_ssh_and_another_deploy_changes_nothing(two: Two) -> None:
    for stack, said in zip((two.staging, two.production), two.said, strict=True):
        assert "6 containers healthy" in said
        assert stack.is_well()
        before = stack.containers()
        assert "No changes; 6 containers healthy" in stack.up()
        stack.unchanged()
        assert stack.containers() == before


def test_a_key_that_the_host_refuses_is_told_and_nothing_is_changed(two: Two, other_unharmed: None) -> None:
    stack, before = two.staging, two.staging.containers()
    with stack.host.locked_out():
        said = stack.fails("up")
    assert said == (
        f"Error: Docker Engine at {stack.host.address} does not answer: deploy@{stack.host.ip}: Permission denied "
        f"(publickey): it lets nobody in by your ssh keys. Put your public key there with `ssh-copy-id "
        f"deploy@{stack.host.ip}`, or name the key for {stack.host.ip} in ~/.ssh/config.\n")
    assert "No changes" in stack.up()
    assert stack.containers() == before


def test_a_host_key_that_has_changed_is_told_and_not_trusted(two: Two, other_unharmed: None) -> None:
    stack, before = two.staging, two.staging.containers()
    stack.host.new_host_key()
    said = stack.fails("up")
    assert said.startswith(f"Error: Docker Engine at {stack.host.address} does not answer: the host key of "
                           f"{stack.host.ip} has changed. The machine was set up anew, or another one answers")
    assert len(said.splitlines()) == 1
    assert stack.containers() == before
    stack.host.let_know()
    assert "No changes" in stack.up()
    assert stack.containers() == before


def test_a_host_that_is_lost_in_the_middle_of_an_update_is_told_and_the_same_command_goes_on(
    two: Two, other_unharmed: None,
) -> None:
    stack, before = two.staging, two.staging.containers()
    stack.configure(logLevel="WARNING")
    said = _up_while(stack, r"container stealth-\w+ deleted", stack.host)
    lost = [line for line in said.splitlines() if "was lost in the middle of the run" in line]
    assert lost == [
        f"Error: The connection to {stack.host.address} was lost in the middle of the run. See that `ssh "
        f"deploy@{stack.host.ip} docker info` answers, then run the same command again: it goes on from what was done."]
    assert "docker.example.com" not in said
    assert "does not answer: ssh: connect to host" in stack.fails("up")
    stack.host.start()
    assert "6 containers healthy" in stack.up()
    assert stack.is_well()
    assert not before.items() & {name: stack.containers()[name] for name in ("xray", "trojan", "singbox")}.items()
    stack.unchanged()


def _up_while(stack: Stack, sign: str, host: Host) -> str:
    """Deploy, take the host's power away at that sign, and return what was said."""
    said = ""
    with stack.start("python", "-m", "ops", "up") as process:
        assert process.stdout
        for line in process.stdout:
            said += line
            if re.search(sign, line) and host.is_running():
                host.kill()
        assert process.wait(timeout=120) == 1, said
    return said
