"""Breaks the rules for real: the operator's own command stops before anything is made, and says which policy it was."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import standin
from tests.e2e.deployment import ROOT, STACK, Server, clean, names, refuse_beside_another_server

pytestmark = pytest.mark.integration

PLUGINS = ("docker-v5.2.0", "random-v4.21.4")
# In which file a line stands, the line, and what takes its place.
PUBLISHED_PANEL = (
    "components/admin.py", 'service={"data"',
    'service={"ports": [__import__("pulumi_docker").ContainerPortArgs(internal=8010, external=8010, ip="0.0.0.0")],'
    ' "data"')
PRIVILEGED_WIREGUARD = (
    "components/service.py", "read_only=True, init=False", 'privileged=name == "wireguard", read_only=True, init=False')
SERVER = "deployment = server.deployment("
UNPINNED_IMAGE = (
    "__main__.py", SERVER,
    f'docker.RemoteImage("proxy", name="docker.io/library/nginx:latest", opts=on_engine)\n{SERVER}')
CLEARTEXT_GENERATOR = ("__main__.py", SERVER, f'__import__("pulumi_random").RandomUuid("client-id")\n{SERVER}')
UNSAFE = {
    "docker-container-only-caddy-publishes": (PUBLISHED_PANEL, "admin: it publishes 8010/tcp"),
    "docker-container-disallow-privileged": (PRIVILEGED_WIREGUARD, "wireguard: it is privileged"),
    "docker-image-pinned-digest": (UNPINNED_IMAGE, "proxy: its name is docker.io/library/nginx:latest"),
    "random-disallow-cleartext-generators": (
        CLEARTEXT_GENERATOR, "client-id: RandomUuid writes its value into the state in clear"),
}


def write(server: Server, file: str, line: str, instead: str) -> None:
    """Put another line into the copy's program; the checkout's own is left alone."""
    text = (ROOT / file).read_text()
    assert text.count(line) == 1, f"{file} has changed, and this test with it must"
    (server.folder / file).write_text(text.replace(line, instead))


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own that was never deployed."""
    refuse_beside_another_server()
    clean()
    server = Server(tmp_path)
    server.configure(resourceProfile="standard")
    yield server
    clean()


@pytest.fixture
def permissive(copy: Server) -> Path:
    """Give that server providers that refuse nothing; returns the file of what they made."""
    tools = copy.folder / ".toolchain"
    tools.unlink()
    tools.mkdir()
    for entry in (ROOT / ".toolchain").iterdir():
        if entry.name != "pulumi-home":
            (tools / entry.name).symlink_to(entry)
    return standin.install(tools / "pulumi-home", *PLUGINS)


def on_engine() -> dict[str, set[str]]:
    return {kind: names(kind) for kind in ("container", "network", "volume")}


def recorded(server: Server) -> list[str]:
    """Kinds of the resources in the state."""
    file = server.folder / ".pulumi" / "stacks" / "stealth-vpn" / f"{STACK}.json"
    latest = json.loads(file.read_text())["checkpoint"].get("latest") or {}
    return [entry["type"] for entry in latest.get("resources", [])]


def check_refusal(server: Server, policy: str) -> None:
    """Deploy with the operator's command, which must stop with the policy's sentence and leave nothing behind."""
    change, sentence = UNSAFE[policy]
    write(server, *change)
    before = on_engine()
    done = server.ops("up")
    assert done.returncode == 1, done.stdout
    said = [line.removeprefix("Error: ") for line in done.stdout.splitlines()]
    assert [line for line in said if line.startswith(sentence) and line.endswith(f"(policy {policy})")], done.stdout
    assert "created" not in done.stdout
    assert on_engine() == before
    assert not [kind for kind in recorded(server) if not kind.startswith("pulumi:")]


def test_the_safe_program_passes_with_providers_that_refuse_nothing(copy: Server, permissive: Path) -> None:
    done = copy.ops("preview")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("policy", UNSAFE)
def test_an_unsafe_program_is_refused_by_the_policy_alone(copy: Server, permissive: Path, policy: str) -> None:
    check_refusal(copy, policy)
    assert not permissive.exists(), permissive.read_text()


def test_a_published_panel_is_refused_with_the_real_providers(copy: Server) -> None:
    check_refusal(copy, "docker-container-only-caddy-publishes")
