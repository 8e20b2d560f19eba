import json
from typing import Any

import pytest

from ops.errors import OperatorError
from ops.events import UNKNOWN
from ops.promote import placing
from ops.update import images
from tests.ops.promote.sets import FULL, PIN, PINNED, PROD, SOURCES, identity, image, inputs, state, with_image

ALL = set(PINNED)


def images_of(export: str) -> dict[str, dict[str, Any]]:
    return {placing.service_of(entry["inputs"]): entry for entry in images.of(export).values()}


def test_a_state_gets_the_pinned_ids_beside_the_sources_that_the_program_has() -> None:
    found = placing.sources(PROD, {})
    after = placing.placed(PROD, PIN, found, ALL)
    assert placing.ids(after) == {name: identity(number) for name, number in PINNED.items()}
    for name, entry in images_of(after).items():
        # What the program gives next time, the builder's id among it, is what stands there: no change is found.
        assert entry["inputs"] == inputs(name, SOURCES[name], identity(1))
        assert (entry["provider"], entry["id"]) == ("engine of prod", f"stealth-vpn/{name}:local")
        assert json.loads(entry["outputs"]["__inputs"]["plaintext"]) == entry["inputs"]
        assert "ciphertext" not in entry["outputs"]["__inputs"], "a secret of another stack opens nothing here"
        assert entry["outputs"]["dockerfile"] == "Dockerfile"
    assert placing.placed(after, PIN, placing.sources(after, {}), ALL) == after


def test_only_the_images_that_are_named_are_touched() -> None:
    after = placing.placed(PROD, PIN, placing.sources(PROD, {}), {"builder", "xray"})
    before = images_of(PROD)
    for name, entry in images_of(after).items():
        assert (entry == before[name]) == (name not in {"builder", "xray"})


def test_what_a_preview_would_build_is_taken_from_the_preview_and_what_it_would_remove_is_none() -> None:
    new = inputs("xray", "next", UNKNOWN)
    found = placing.sources(PROD, {"stealth-xray-image": new, "stealth-xray": {}, "stealth-trojan-image": {}})
    assert found["xray"] == new
    assert "trojan" not in found
    pin = with_image("xray", source="next")
    entry = images_of(placing.placed(PROD, pin, found, {"xray"}))["xray"]
    assert entry["inputs"] == inputs("xray", "next", identity(1))


def test_an_image_that_the_stack_never_had_comes_in_beside_the_builder() -> None:
    older = state(*(image("prod", name, 20, "old") for name in PINNED if name != "xray"))
    found = placing.sources(older, {"stealth-xray-image": inputs("xray", SOURCES["xray"], UNKNOWN)})
    entry = images_of(placing.placed(older, PIN, found, ALL))["xray"]
    assert entry["urn"].endswith("::stealth-xray-image")
    assert (entry["parent"], entry["provider"]) == ("urn of prod's images", "engine of prod")
    assert entry["outputs"]["repoDigest"] == identity(PINNED["xray"])


def test_a_stack_without_images_is_deployed_once_first() -> None:
    with pytest.raises(OperatorError, match="Deploy the stack once with `make up`"):
        placing.placed(state(), PIN, placing.sources(PROD, {}), ALL)


@pytest.mark.parametrize(("changed", "why"), [
    ({"xray": inputs("xray", "other")}, "the files of the image xray are not those of the pinned one"),
    ({"xray": inputs("xray", SOURCES["xray"], platform="linux/arm64")}, "are for linux/amd64, but here"),
    ({"new": inputs("new", "x")}, "has other images than staging had: new. Check out bbbbbbbbbbbb")])
def test_a_program_that_would_build_something_else_is_refused(changed: dict[str, Any], why: str) -> None:
    placing.refuse_other_sources(PIN, placing.sources(PROD, {}))
    with pytest.raises(OperatorError, match=why):
        placing.refuse_other_sources(PIN, placing.sources(PROD, {}) | changed)


def test_a_service_with_another_image_is_named() -> None:
    running = {name: identity(PINNED[name]) for name in FULL}
    placing.refuse_others(PIN, running)
    with pytest.raises(OperatorError, match="trojan runs the image none, and not 050000000000, which was pinned"):
        placing.refuse_others(PIN, running | {"trojan": ""})
