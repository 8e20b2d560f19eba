"""Staging and production on hosts of their own, by ssh: both stand, and what goes wrong on the way is told and mended.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.deployment import Server
from tests.e2e.hosts import hosts
from tests.e2e.machines import build_images
from tests.e2e.pipeline import Runner
from tests.e2e.stacks import Stack
from tests.e2e.test_update import NEVER_HEALTHY, added, git

pytestmark = pytest.mark.integration


# A service that never becomes healthy shall be told in half a minute.
# And the hosts are ready already.
_QUICK = {"healthInterval": "5s", "healthTimeout": "4s", "healthStartPeriod": "20s", "hostSetup": False}
_DISK_BYTES = 4 << 30


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
    git(folder, "init", "--quiet", "--initial-branch", "main")
    with hosts(tmp_path_factory.mktemp("hosts"), 2, disk_bytes=_DISK_BYTES) as (first, second):
        staging, production = Stack(folder, "staging", first, **_QUICK), Stack(folder, "prod", second, **_QUICK)
        commit(folder)
        running = [stack.start("python", "-m", "ops", "up") for stack in (staging, production)]
        said = tuple(process.communicate(timeout=900)[0] for process in running)
        assert [process.returncode for process in running] == [0, 0], "\n".join(said)
        yield Two(staging=staging, production=production, said=(said[0], said[1]))


def commit(folder: Path) -> None:
    """Make a version of what is in the checkout."""
    git(folder, "add", "--all", "--", ".", ":(exclude).venv", ":(exclude).toolchain")
    git(folder, "commit", "--quiet", "--message", "next")


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
    said = _up_while(stack, stack.host.kill)
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


def test_a_full_disk_of_a_host_is_told_before_and_in_the_middle_and_the_same_command_goes_on(
    two: Two, other_unharmed: None,
) -> None:
    stack, before = two.staging, two.staging.containers()
    stack.configure(logLevel="ERROR")
    with stack.host.full(100 << 20):
        said = stack.fails("up")
        assert said.startswith(f"Error: the disk of {stack.host.address} is nearly full: /var/lib/docker has ")
        assert said.endswith(f"`ssh deploy@{stack.host.ip} docker system prune`, and run the same command again.\n")
        assert len(said.splitlines()) == 1
        assert stack.containers() == before
    with ExitStack() as filled:
        said = _up_while(stack, lambda: filled.enter_context(stack.host.full()))
    assert "The disk of the engine's machine is full: free some" in said
    assert "Traceback" not in said
    assert "6 containers healthy" in stack.up()
    assert stack.is_well()
    stack.unchanged()


def _up_while(stack: Stack, harm: Callable[[], object]) -> str:
    """Deploy, do harm when the first container is taken away, and return what was said."""
    said, is_done = "", False
    with stack.start("python", "-m", "ops", "up") as process:
        assert process.stdout
        for line in process.stdout:
            said += line
            if not is_done and re.search(r"container stealth-\w+ deleted", line):
                harm()
                is_done = True
        assert process.wait(timeout=120) == 1, said
    return said


@pytest.mark.long
def test_the_pipeline_deploys_visits_and_looks_for_drift_by_ssh_in_its_order(two: Two, tmp_path: Path) -> None:
    two.staging.configure()
    added("images/trojan/Dockerfile", 'LABEL next="by pipeline"\n')(two.staging.folder)
    commit(two.staging.folder)
    before = two.staging.images(), two.production.images()
    runner = Runner(tmp_path, two.staging, two.production)
    ran = runner.run("deploy")
    assert [(step.stack, step.target) for step in ran if step.target in {"ci-deploy", "ci-e2e", "ci-approved"}] == [
        ("staging", "ci-deploy"), ("staging", "ci-e2e"), ("", "ci-approved"), ("prod", "ci-deploy")]
    assert "The first user's link answers with" in next(step.said for step in ran if step.target == "ci-e2e")
    for stack, images in zip((two.staging, two.production), before, strict=True):
        assert stack.is_well()
        assert {name for name in images if stack.images()[name] != images[name]} == {"trojan"}
    ran += runner.run("drift")
    told = "".join(step.said for step in ran)
    assert runner.passphrase not in told
    assert runner.key not in told
    assert not runner.secrets_folder.exists()


@pytest.mark.long
def test_a_good_set_goes_from_host_to_host_with_its_ids_and_a_bad_one_stops_in_staging(two: Two) -> None:
    staging, production, folder = two.staging, two.production, two.staging.folder
    staging.configure()
    added("images/trojan/Dockerfile", 'LABEL next="by ssh"\n')(folder)
    commit(folder)
    staging.up()
    assert (pinned := staging.ops("pin", "staging")).returncode == 0, pinned.stdout
    commit(folder)
    wanted, kept = staging.images(), staging.containers()
    assert production.images()["trojan"] != wanted["trojan"]
    promoted = production.ops("promote", "staging", "prod", "--without-backup")
    assert promoted.returncode == 0, promoted.stdout
    assert "is being built" not in promoted.stdout
    assert production.images() == wanted
    assert production.is_well()
    assert staging.containers() == kept

    added("images/trojan/asleep.go", NEVER_HEALTHY)(folder)
    commit(folder)
    kept = production.containers()
    assert "trojan" in staging.fails("up")
    staging.fails("pin", "staging")
    assert "the program was changed since" in production.fails("promote", "staging", "prod", "--without-backup")
    assert production.containers() == kept
