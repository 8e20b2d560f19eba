import io
import json
from typing import Any

import pytest

from ops.docker import Container, Engine
from ops.errors import OperatorError
from ops.events import Follower
from ops.operations.builds import build_words
from ops.operations.rebuild import Builder, images_of
from ops.stack import Stack
from ops.target import ROOT, Target
from tests.ops.operations.fakes import NAMES, FakeEngine

IMAGE = "docker:index/image:Image"


def inputs(service: str) -> dict[str, Any]:
    return {"imageName": f"stealth-vpn/{service}:local", "build": {
        "context": f"images/{service}", "dockerfile": f"images/{service}/Dockerfile", "platform": "linux/amd64",
        "args": {"OS_IMAGE": "stealth-vpn/os:trixie", "BUILDER_ID": "sha256:1"}}}


EXPORT = json.dumps({"deployment": {"resources": [
    {"type": IMAGE, "inputs": inputs(service)} for service in ("builder", "caddy", "xray", "admin")]}})


class Build:
    def __init__(self, code: int) -> None:
        self.stdout, self.returncode = io.StringIO("#1 [1/2]\nundefined: x\n"), code

    def kill(self) -> None:
        pass

    wait = kill


@pytest.fixture
def runs(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []

    def run(_: Stack, *words: str) -> Follower:
        found.append(words)
        return Follower(lambda _: None)

    def start(_: Engine, *words: str) -> Build:
        found.append(words)
        return Build(0)

    for name in ("prepare", "repair"):
        monkeypatch.setattr(Stack, name, lambda *_: None)
    monkeypatch.setattr(Stack, "call", lambda *_: EXPORT)
    monkeypatch.setattr(Stack, "run", run)
    monkeypatch.setattr(Engine, "start", start)
    monkeypatch.setattr(Engine, "services", lambda _, __: [
        Container(name=f"stealth-{name}", state="running", health="healthy") for name in NAMES])
    return found


def builder(said: list[str]) -> Builder:
    where = Target(stack="local", docker_host="unix:///x.sock", http_port=80, https_port=443, ipv6=False)
    return Builder(Engine("unix:///x.sock"), where, Stack("local", said.append), said.append)


def test_an_image_is_built_as_the_provider_does_but_without_the_cache() -> None:
    assert build_words(inputs("xray")) == [
        "build", "--no-cache", "--progress", "plain", "--provenance=false", "--tag", "stealth-vpn/xray:local",
        "--file", f"{ROOT}/images/xray/Dockerfile", "--platform", "linux/amd64",
        "--build-arg", "BUILDER_ID=sha256:1", "--build-arg", "OS_IMAGE=stealth-vpn/os:trixie", f"{ROOT}/images/xray"]


def test_only_what_belongs_to_the_service_is_touched(runs: list[tuple[str, ...]]) -> None:
    said: list[str] = []
    builder(said).rebuild("xray")
    built, deployed = runs
    assert built[-1] == f"{ROOT}/images/xray"
    assert deployed == (
        "up", "--yes", "--skip-preview", "--replace", "**::stealth-xray-image", "--target", "**::stealth-xray-image",
        "--target", "**::stealth-xray-writer", "--target", "**::stealth-xray")
    assert said[-1] == "xray: built anew and replaced; all services are healthy."


def test_the_writer_of_the_operator_s_site_gets_caddy_s_new_image_with_it(runs: list[tuple[str, ...]]) -> None:
    builder([]).rebuild("caddy")
    # The policies refuse a state in which the two differ.
    assert runs[-1][-2:] == ("--target", "**::stealth-site-writer")


def test_without_a_name_each_service_is_built_and_the_builder_is_not(runs: list[tuple[str, ...]]) -> None:
    builder([]).rebuild(None)
    assert [words[-1] for words in runs[:-1]] == [
        f"{ROOT}/images/{name}" for name in ("admin", "xray", "caddy")]


def test_a_build_that_fails_touches_nothing_and_shows_its_last_lines(
    runs: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Engine, "start", lambda *_: Build(1))
    with pytest.raises(OperatorError, match=r"image stealth-xray does not build\.[^$]*undefined: x"):
        builder([]).rebuild("xray")
    assert runs == []


def test_an_unknown_service_is_refused_with_those_that_there_are(runs: list[tuple[str, ...]]) -> None:
    with pytest.raises(OperatorError, match=r"nginx has no image in the state\. Name one of admin, xray, caddy"):
        builder([]).rebuild("nginx")


def test_build_builds_what_a_preview_would_change_and_deploys_nothing(
    runs: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    builder(said).build()
    assert runs == [("preview",)]
    assert said == ["Every image is as its sources are; nothing was built."]
    monkeypatch.setattr(Follower, "planned", {"stealth-xray-image": inputs("xray"), "stealth-xray": {}}, raising=False)
    monkeypatch.setattr(Follower, "__init__", lambda *_: None)
    builder(said).build()
    assert [words[0] for words in runs] == ["preview", "preview", "build"]
    assert said[-1] == "1 images were built. `make up` replaces the services that they are for."


def test_an_image_that_waits_for_its_deletion_is_none() -> None:
    resources = [{"type": IMAGE, "inputs": inputs("xray"), "delete": True}]
    assert images_of(json.dumps({"deployment": {"resources": resources}})) == {}
