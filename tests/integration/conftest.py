"""What integration tests share: for the docker provider a home with the plugin, a tiny image and a clean engine
afterwards; for the toolchain a checkout whose machine is partly faked."""

import fcntl
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.checkout import Checkout
from tests.integration.project import ROOT, TOOLS, Project

BASE = "provider-test-base:local"
SOCKET = "unix:///var/run/docker.sock"
_APPLETS = ("sh", "sleep", "cat", "stat", "true", "false")
# `box` is a container as small as can be; the settings of a call overrule its own.
HEAD = f"""
import pulumi
import pulumi_docker as docker

host = docker.Provider("host", host="{SOCKET}")

def box(name, replace_on_changes=(), **more):
    settings = dict(image="{BASE}", command=["sleep", "600"], init=False, network_mode="none",
                    destroy_grace_seconds=1, stop_signal="SIGKILL") | more
    return docker.Container(name, name="provider-test-" + name, **settings, opts=pulumi.ResourceOptions(
        provider=host, delete_before_replace=True, replace_on_changes=list(replace_on_changes)))

here = pulumi.ResourceOptions(provider=host)
"""


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(
        ["docker", "--host", SOCKET, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout.strip()


def inspect(kind: str, name: str) -> dict[str, Any]:
    return dict(json.loads(docker(kind, "inspect", f"provider-test-{name}"))[0])


def container_id(name: str) -> str:
    return str(inspect("container", name)["Id"])


def remove_leftovers() -> None:
    """Remove what tests have made and nothing else: names that begin with provider-test-."""
    for listing, removal in (
        (("ps", "--all", "--quiet", "--filter", "name=^provider-test-"), ("rm", "--force", "--volumes")),
        (("network", "ls", "--quiet", "--filter", "name=^provider-test-"), ("network", "rm")),
        (("volume", "ls", "--quiet", "--filter", "name=^provider-test-"), ("volume", "rm")),
        (("images", "--quiet", "--filter", "reference=provider-test-built*"), ("rmi", "--force")),
    ):
        if found := docker(*listing).split():
            docker(*removal, *found, check=False)


class DockerProject(Project):
    """A project whose home has the docker plugin in it."""

    def __init__(self, folder: Path, home: Path, program: str) -> None:
        (folder / "home").symlink_to(home)
        super().__init__(folder, HEAD + program)

    def use(self, program: str) -> None:
        self.write(HEAD + program)

    def done(self, *arguments: str) -> str:
        """Run `up`, which must succeed; the preview is skipped because most tests look at the engine alone."""
        finished = self.up("--skip-preview", *arguments)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    def fails(self, *arguments: str) -> str:
        """Run `up`, which must fail; returns what it said, with each run of blanks as one."""
        finished = self.up("--skip-preview", *arguments)
        assert finished.returncode != 0, finished.stdout
        return " ".join(finished.stdout.split())

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command that the test then interrupts."""
        return subprocess.Popen([str(TOOLS / "pulumi"), "--non-interactive", *arguments], cwd=self.folder,
                                env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def unchanged(self) -> None:
        """Nothing is to be done, also after a look at the engine."""
        said = self.done("--refresh", "--expect-no-changes")
        assert "[diff:" not in said, "a value that only looks different shows here"

    def unchanged_in_every_way(self) -> None:
        """Nothing is to be done, and neither is there anything to be seen in a preview or a refresh alone."""
        self.unchanged()
        assert self.run("preview", "--expect-no-changes").returncode == 0
        seen = self.run("refresh", "--preview-only", "--expect-no-changes")
        assert seen.returncode == 0, seen.stdout

    def resources(self, part: str) -> list[dict[str, Any]]:
        state = json.loads(self.run("stack", "export").stdout)
        return [entry for entry in state["deployment"].get("resources", []) if part in entry["type"]]


@pytest.fixture(scope="session")
def plugin_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    subprocess.run(
        [str(TOOLS / "pulumi"), "plugin", "install", "resource", "docker", "5.2.0",
         "--file", str(ROOT / ".toolchain" / "plugins" / "docker")],
        env={"PULUMI_HOME": str(home), "PATH": "/usr/bin:/bin"}, capture_output=True, check=True, timeout=60)
    return home


@pytest.fixture(scope="session")
def base_image(alone: None) -> Iterator[None]:
    """An image of busybox alone, made without a registry."""
    busybox = shutil.which("busybox")
    assert busybox, "busybox is missing: `apt-get install busybox-static` brings it"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(busybox, "bin/busybox")
        for name in _APPLETS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    subprocess.run(["docker", "--host", SOCKET, "import", "-", BASE], input=packed.getvalue(),
                   capture_output=True, check=True, timeout=60)
    remove_leftovers()
    yield
    docker("rmi", "--force", BASE, check=False)


@pytest.fixture(scope="session")
def alone() -> Iterator[None]:
    """Two runs of these tests on one engine would remove each other's containers, so the second waits."""
    # A network namespace has one engine at most.
    engine = Path("/proc/self/ns/net").stat().st_ino
    with (Path(tempfile.gettempdir()) / f"stealth-vpn-provider-test-{engine}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def trial(tmp_path: Path, plugin_home: Path, base_image: None) -> Iterator[DockerProject]:
    """An empty project, and an engine without what it has made afterwards."""
    yield DockerProject(tmp_path, plugin_home, "")
    remove_leftovers()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def builder(checkout: Checkout) -> Checkout:
    """A checkout that can build, and whose vendor's address leads nowhere."""
    checkout.with_python()
    checkout.with_go()
    checkout.environment |= {"PULUMI_RELEASES_URL": "http://127.0.0.1:9", "PULUMI_SUMS_URL": "http://127.0.0.1:9/sums"}
    return checkout
