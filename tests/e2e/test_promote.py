"""A set goes from one engine to another: a good one with the same ids, a bad one not at all, and one back by itself."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops.watchdog import host
from tests.e2e.deployment import RESOLVER, SERVICES, STACK, Server, healthy, inspect
from tests.e2e.second import Machine, machine
from tests.e2e.test_update import NEVER_HEALTHY, added, git

pytestmark = pytest.mark.integration

TO = "second"
_SECONDS = 900
# A service that never becomes healthy shall be told in half a minute; these keys are shared, so both stacks have them.
_QUICK = {"healthInterval": "5s", "healthTimeout": "4s", "healthStartPeriod": "20s"}


@dataclass(frozen=True, kw_only=True)
class Two:
    """A server here, and one on another machine, both of one checkout."""

    server: Server
    elsewhere: Machine
    socket_here: Path
    """This machine's engine under a name that the other machine has too, whose /run is its own."""

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command on the other machine, in the same checkout."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
        folder = self.server.folder
        return subprocess.Popen(
            [*self.elsewhere.through(folder), str(folder / "toolchain" / "run.sh"), *words], cwd=folder, text=True,
            env=environment | {"STACK": TO}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True)

    def there(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run such a command to its end; standard error is in stdout."""
        process = self.start(*words)
        output, _ = process.communicate(timeout=_SECONDS)
        return subprocess.CompletedProcess(words, process.returncode, output)

    @contextmanager
    def seen_from_there(self) -> Iterator[None]:
        """Let the stack's file here name its engine so that the other machine reaches it; nothing is deployed by it."""
        self.server.configure(**_QUICK, dockerHost=f"unix://{self.socket_here}")
        try:
            yield
        finally:
            self.server.configure(**_QUICK)

    def configure(self, **changes: object) -> None:
        """Write the other stack's file: the values of its host, and these."""
        file = self.server.folder / f"Pulumi.{TO}.yaml"
        salt = [line for line in file.read_text().splitlines() if line.startswith("encryptionsalt")] \
            if file.exists() else []
        values = {"domain": "second.test", "email": "admin@second.test", "dockerHost":
                  f"unix://{self.elsewhere.socket}", "dnsServers": [RESOLVER], **_QUICK, **changes}
        lines = [f"  stealth-vpn:{key}: {json.dumps(value)}" for key, value in values.items()]
        file.write_text("\n".join([*salt, "config:", *lines, ""]))

    def commit(self, change: Callable[[Path], object]) -> str:
        """Make a version of a change; return its commit."""
        change(self.server.folder)
        git(self.server.folder, "add", "--all", "--", ".", ":(exclude).venv", ":(exclude).toolchain")
        git(self.server.folder, "commit", "--quiet", "--message", "next")
        return git(self.server.folder, "rev-parse", "HEAD")

    def pin(self) -> subprocess.CompletedProcess[str]:
        return self.server.ops("pin", STACK)

    def images_there(self) -> dict[str, str]:
        """Return the image id of each service of the other server."""
        return {entry["Name"].removeprefix("/stealth-"): entry["Image"]
                for entry in self.elsewhere.engine.inspect_services(TO)}

    def healthy_there(self) -> set[str]:
        return {service.name.removeprefix("stealth-") for service in self.elsewhere.engine.services(TO)
                if service.health == "healthy"}


def images_here() -> dict[str, str]:
    return {service: inspect(service)["Image"] for service in SERVICES}


@contextmanager
def bound(socket: Path) -> Iterator[Path]:
    """Give this machine's engine another name for as long as the block lasts."""
    socket.touch()
    subprocess.run(["mount", "--bind", "/var/run/docker.sock", str(socket)], check=True)
    try:
        yield socket
    finally:
        subprocess.run(["umount", "--lazy", str(socket)], check=True)


@pytest.fixture(scope="module")
def two(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    server.configure(**_QUICK)
    git(server.folder, "init", "--quiet", "--initial-branch", "main")
    git(server.folder, "add", "--all", "--", ".", ":(exclude).venv", ":(exclude).toolchain")
    git(server.folder, "commit", "--quiet", "--message", "begin")
    begin = git(server.folder, "rev-parse", "HEAD")
    server.up()
    # The names are made before the other machine, which takes this one's mounts over when it begins.
    with bound(tmp_path_factory.mktemp("here") / "docker.sock") as here, \
            machine(tmp_path_factory.mktemp("elsewhere")) as elsewhere:
        made = Two(server=server, elsewhere=elsewhere, socket_here=here)
        made.configure()
        try:
            first = made.there("python", "-m", "ops", "up")
            assert first.returncode == 0, first.stdout
            yield made
        finally:
            host.remove(elsewhere.engine, TO)
            git(server.folder, "reset", "--quiet", "--hard", begin)
            (server.folder / f"Pulumi.{TO}.yaml").unlink(missing_ok=True)
            (server.folder / ".git").rename(tmp_path_factory.mktemp("gone") / "git")
            server.configure()
            server.standing = None


@pytest.fixture
def pinned(two: Two, request: pytest.FixtureRequest) -> str:
    """A version of its own for each test, which runs here, was pinned and is committed; returns the last commit."""
    two.commit(added("images/trojan/Dockerfile", f"LABEL next={request.node.name}\n"))
    two.server.up()
    done = two.pin()
    assert done.returncode == 0, done.stdout
    return two.commit(lambda _: None)


def test_a_good_set_lands_with_the_very_ids_and_the_next_deploy_builds_nothing(two: Two, pinned: str) -> None:
    set_ = json.loads((two.server.folder / "promotions" / f"{STACK}.json").read_text())
    wanted = images_here()
    assert {name: set_["images"][name]["id"] for name in SERVICES} == wanted
    assert two.images_there()["trojan"] != wanted["trojan"]
    two.configure(logLevel="DEBUG")
    with two.seen_from_there():
        refused = two.there("python", "-m", "ops", "promote", STACK, TO, "--without-backup")
        assert refused.returncode == 1
        assert 'logLevel is "DEBUG" and was pinned as "INFO"' in refused.stdout
        two.configure()
        done = two.there("python", "-m", "ops", "promote", STACK, TO, "--without-backup")
        assert done.returncode == 0, done.stdout
        again = two.there("python", "-m", "ops", "promote", STACK, TO, "--without-backup")
    assert re.search(r"^Updated from .* Replaced: .*\btrojan\b", done.stdout, re.M)
    assert "is being built" not in done.stdout
    assert two.images_there() == wanted
    assert two.healthy_there() == set(SERVICES)
    assert (again.returncode, f"{TO} runs just what is pinned already." in again.stdout) == (0, True), again.stdout
    unchanged = two.there("pulumi", "preview", "--diff", "--expect-no-changes", "--stack", TO, "--non-interactive")
    assert unchanged.returncode == 0, unchanged.stdout
    plain = two.there("python", "-m", "ops", "up")
    assert plain.returncode == 0, plain.stdout
    assert "No changes" in plain.stdout
    assert f"that {STACK} was pinned with; none was built." in plain.stdout
    assert two.images_there() == wanted


def test_a_bad_set_stops_where_it_was_made(two: Two, pinned: str) -> None:
    file = two.server.folder / "promotions" / f"{STACK}.json"
    before, there = file.read_text(), two.images_there()
    two.commit(added("images/trojan/asleep.go", NEVER_HEALTHY))
    try:
        assert two.server.ops("up").returncode == 1
        refused = two.pin()
        assert refused.returncode == 1, refused.stdout
        assert file.read_text() == before
        with two.seen_from_there():
            other = two.there("python", "-m", "ops", "promote", STACK, TO, "--without-backup")
        assert (other.returncode, "the program was changed since" in other.stdout) == (1, True), other.stdout
        assert two.images_there() == there
    finally:
        git(two.server.folder, "reset", "--quiet", "--hard", pinned)
        two.server.configure(**_QUICK)
        two.configure()
    two.server.up()
    assert healthy() == set(SERVICES)


@pytest.mark.long
def test_a_gate_that_fails_there_brings_the_former_images_back_by_itself(two: Two, pinned: str) -> None:
    former = two.images_there()
    with two.seen_from_there(), two.start(
            "python", "-m", "ops", "promote", STACK, TO, "--without-backup") as process:
        assert process.stdout
        said = ""
        for line in process.stdout:
            said += line
            if "each is watched" in line:
                assert two.images_there()["trojan"] == images_here()["trojan"] != former["trojan"]
                assert two.elsewhere.engine.ask("kill", "stealth-trojan").returncode == 0
        assert process.wait(timeout=_SECONDS) == 1, said
    assert "was taken back" in said
    assert "is being built" not in said
    assert two.images_there() == former
    assert two.healthy_there() == set(SERVICES)
    git(two.server.folder, "reset", "--quiet", "--hard", pinned)
