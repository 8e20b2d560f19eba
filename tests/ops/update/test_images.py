import json
from typing import Any

import pytest

from ops.docker import Engine
from ops.update import images
from tests.ops.operations.fakes import FakeEngine

IMAGE = "docker:index/image:Image"


def image(service: str, number: str, **more: Any) -> dict[str, Any]:
    return {"urn": f"urn::{service}", "type": IMAGE, "inputs": {
        "imageName": f"stealth-vpn/{service}:local", "build": {"contextDigest": number}},
        "outputs": {"repoDigest": f"sha256:{number}"}, "provider": f"of {number}"} | more


def state(*resources: dict[str, Any]) -> str:
    volume = {"urn": "urn::x", "type": "docker:index/volume:Volume"}
    return json.dumps({"deployment": {"resources": [*resources, volume]}})


BEFORE = state(image("xray", "1"), image("admin", "2"))
ENGINE = Engine("unix:///x.sock")


@pytest.fixture
def engine_with_images(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(Engine, "has_image", lambda _, name: name != "sha256:2")
    return engine


def test_images_of_before_are_kept_and_dropped_by_a_name_of_their_own(engine_with_images: FakeEngine) -> None:
    images.keep(ENGINE, BEFORE, images.UNDER_WAY)
    images.drop(ENGINE, BEFORE, images.UNDER_WAY)
    assert engine_with_images.asked == [
        ("tag", "sha256:1", "stealth-vpn/xray:before-this-update"),
        ("tag", "sha256:2", "stealth-vpn/admin:before-this-update"),
        ("rmi", "--no-prune", "stealth-vpn/xray:before-this-update"),
        ("rmi", "--no-prune", "stealth-vpn/admin:before-this-update")]


def test_the_state_gets_the_images_of_before_and_nothing_else_of_it(engine_with_images: FakeEngine) -> None:
    present = state(image("xray", "3"), image("xray", "4", delete=True), image("admin", "5"), image("new", "6"))
    found = json.loads(images.put_back(ENGINE, BEFORE, present))["deployment"]["resources"]
    # Admin's image of before is gone from the engine, so the next run must build it.
    assert [entry["outputs"]["repoDigest"] for entry in found[:4]] == ["sha256:1", "sha256:4", "sha256:5", "sha256:6"]
    assert found[0]["inputs"]["build"] == {"contextDigest": "1"}
    assert found[0]["provider"] == "of 3"
    assert engine_with_images.asked == [("tag", "sha256:1", "stealth-vpn/xray:local")]


def test_a_state_tells_a_service_s_image() -> None:
    assert images.identity(BEFORE, "admin") == "sha256:2"
    assert images.inputs(BEFORE, "admin")["imageName"] == "stealth-vpn/admin:local"


def test_a_host_that_others_build_for_has_no_builder_and_that_is_no_fault(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, host = Engine("unix:///x.sock"), Engine("ssh://deploy@there")
    monkeypatch.setattr(Engine, "has_image", lambda self, name: self is here or name != "sha256:9")
    before = state(image("builder", "9"), image("xray", "1"))
    images.keep(host, before, images.UNDER_WAY)
    assert engine.asked == [("tag", "sha256:1", "stealth-vpn/xray:before-this-update")]
    present = state(image("builder", "8"), image("xray", "3"))
    found = json.loads(images.put_back(host, before, present, here))["deployment"]["resources"]
    assert [entry["outputs"]["repoDigest"] for entry in found[:2]] == ["sha256:9", "sha256:1"]
