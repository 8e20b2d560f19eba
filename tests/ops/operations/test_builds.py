from dataclasses import replace
from typing import Any

import pytest

from ops.docker import Engine
from ops.errors import OperatorError
from ops.events import UNKNOWN
from ops.operations import builds
from ops.target import Target
from tests.ops.operations.fakes import FakeEngine
from tests.ops.operations.test_rebuild import Build, inputs

ENGINE = Engine("unix:///x.sock")


def unknown_builder(service: str) -> dict[str, Any]:
    made = inputs(service)
    made["build"]["args"]["BUILDER_ID"] = UNKNOWN
    return made


@pytest.fixture
def built(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The docker commands that built, each as one line; the builder's image has the id sha256:b."""
    found: list[str] = []

    def start(_: Engine, *words: str) -> Build:
        found.append(" ".join(words))
        return Build(1 if "stealth-vpn/trojan:local" in words else 0)

    monkeypatch.setattr(Engine, "start", start)
    engine.answers = {("image", "inspect"): "sha256:b\n"}
    return found


def test_the_builder_comes_first_and_the_others_get_its_id(built: list[str]) -> None:
    builds.build(ENGINE, {"stealth-admin-image": inputs("admin"), "stealth-xray": {}, "stealth-xray-image":
                          unknown_builder("xray"), "stealth-builder-image": inputs("builder")}, lambda _: None)
    assert [line.split("--tag stealth-vpn/")[1].split(":")[0] for line in built] == ["builder", "admin", "xray"]
    assert "--build-arg BUILDER_ID=sha256:b" in built[2]
    assert "--build-arg BUILDER_ID=sha256:1" in built[1]
    assert not any("--no-cache" in line for line in built)


def test_a_build_that_fails_is_named_with_its_last_lines(built: list[str]) -> None:
    with pytest.raises(OperatorError, match=r"image stealth-trojan does not build\. (.|\n)*undefined: x"):
        builds.build(ENGINE, {"stealth-trojan-image": inputs("trojan")}, lambda _: None)


def test_nothing_to_build_is_nothing_done(built: list[str]) -> None:
    builds.build(ENGINE, {"stealth-xray": {}}, lambda _: None)
    assert built == []


def test_what_is_built_here_for_a_host_is_brought_to_it(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    brought = list[tuple[str, str, dict[str, str]]]()
    monkeypatch.setattr(builds, "build", lambda _, planned, __: len(planned))
    monkeypatch.setattr(builds, "bring", lambda source, host, images, _: brought.append(
        (source.host, host.host, images)))
    target = Target(stack="prod", docker_host="ssh://there", http_port=80, https_port=443, ipv6=False)
    planned = {name: inputs(name.split("-")[1]) for name in ("stealth-builder-image", "stealth-xray-image")}
    assert builds.build_for(target, Engine("ssh://there"), planned, lambda _: None) == 2
    assert [(source, host, list(images)) for source, host, images in brought] == [
        ("unix:///var/run/docker.sock", "ssh://there", ["stealth-vpn/xray:local"])]
    assert builds.also_for(target) == ("stealth-carriage",)
    own = replace(target, build_on="host")
    assert builds.build_for(own, Engine("ssh://there"), planned, lambda _: None) == 2
    assert (len(brought), builds.also_for(own)) == (1, ())
