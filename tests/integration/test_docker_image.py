"""Images built by our own docker provider under the real Pulumi CLI and a real engine."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.integration.conftest import DockerProject, container_id, docker

pytestmark = pytest.mark.integration

PROGRAM = """
image = docker.Image("image", image_name="provider-test-built:local", skip_push=True, opts=here,
    build=docker.DockerBuildArgs(context="context", dockerfile="context/Dockerfile", platform="linux/PLATFORM",
                                 args={"WORDS": "of the argument"}, target="wanted"))
box("user", image=image.repo_digest)
pulumi.export("id", image.repo_digest)
"""
DOCKERFILE = """
FROM provider-test-base:local AS wanted
ARG WORDS
COPY hello /hello
RUN echo "$WORDS" > /words
FROM wanted
RUN false
"""


@pytest.fixture
def build(trial: DockerProject) -> Iterator[DockerProject]:
    context = trial.folder / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(DOCKERFILE)
    (context / "hello").write_text("hello")
    (context / ".dockerignore").write_text("ignored\n")
    trial.use(PROGRAM.replace("PLATFORM", docker("version", "--format", "{{.Server.Arch}}")))
    yield trial
    docker("rm", "--force", "provider-test-user", check=False)


def image_id() -> str:
    return docker("image", "inspect", "--format", "{{.Id}}", "provider-test-built:local")


def test_an_image_is_built_again_only_when_its_content_has_changed(build: DockerProject) -> None:
    before = build.run("preview")
    assert before.returncode == 0, before.stdout
    assert not docker("images", "--quiet", "provider-test-built"), "a preview builds nothing"
    build.done()
    first, user = image_id(), container_id("user")
    assert build.run("stack", "output", "id").stdout.strip() == first
    assert docker("exec", "provider-test-user", "cat", "/hello", "/words") == "helloof the argument"
    assert docker("inspect", "--format", "{{.Image}}", "provider-test-user") == first
    os.utime(build.folder / "context" / "hello", (1, 1))
    (build.folder / "context" / "ignored").write_text("anything")
    build.unchanged_in_every_way()
    (build.folder / "context" / "hello").write_text("goodbye")
    preview = build.run("preview")
    assert "update" in preview.stdout
    assert "replace" in preview.stdout, "the id is unknown before the build, so its user shows as replaced"
    build.done()
    assert image_id() != first
    assert container_id("user") != user
    build.unchanged()


def test_an_image_removed_by_hand_is_built_again(build: DockerProject) -> None:
    build.done()
    docker("rm", "--force", "provider-test-user")
    docker("rmi", "--force", image_id())
    assert not docker("images", "--quiet", "provider-test-built")
    build.done("--refresh")
    assert docker("exec", "provider-test-user", "cat", "/hello") == "hello"
    build.unchanged()


def test_a_build_that_fails_is_told_with_its_step_and_repaired_by_the_next_up(build: DockerProject) -> None:
    dockerfile = build.folder / "context" / "Dockerfile"
    dockerfile.write_text(DOCKERFILE.replace('echo "$WORDS"', 'echo the fault is here; no-such-program "$WORDS"'))
    said = build.fails("--continue-on-error")
    assert "Image provider-test-built:local does not build: the step [wanted 3/3] RUN echo the fault is here" in said
    assert "no-such-program: not found" in said
    dockerfile.write_text(DOCKERFILE)
    build.done()
    build.unchanged()


@pytest.mark.parametrize("interrupts", [1, 2])
def test_an_interrupt_ends_a_build_at_once_and_leaves_nothing(
    build: DockerProject, monkeypatch: pytest.MonkeyPatch, interrupts: int,
) -> None:
    (build.folder / "context" / "Dockerfile").write_text(DOCKERFILE.replace("echo", "sleep 314; echo"))
    monkeypatch.setenv("TMPDIR", str(scratch := build.folder / "scratch"))
    scratch.mkdir()
    running = build.start("up", "--yes", "--skip-preview")
    assert running.stdout is not None
    for line in running.stdout:
        if "RUN sleep 314" in line:
            break
    began = time.monotonic()
    for _ in range(interrupts):  # the second makes Pulumi leave without waiting for the provider's answer
        running.send_signal(signal.SIGINT)
        time.sleep(0.05)
    said, _ = running.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert interrupts > 1 or "Image provider-test-built:local: the build was interrupted" in said
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert "sleep 314" not in listed.stdout
    assert str(build.folder) not in listed.stdout
    assert not list(scratch.glob("docker-build-*"))
