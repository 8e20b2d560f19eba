"""What a promotion does to the server, step by step, with the gates of an update."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ops.docker import Engine
from ops.errors import OperatorError
from ops.events import Follower
from ops.operations import builds
from ops.promote import placing
from ops.promote.carried import Carried
from ops.promote.pin import Pin
from ops.stack import Stack
from ops.target import Target
from ops.update import checks, forward, gates, images
from tests.ops.operations.fakes import FakeEngine
from tests.ops.promote.sets import FULL, PIN, PINNED, PROD, identity, with_image

ENGINE = Engine("unix:///x.sock")


class Server:
    """The stack's state, its containers, and what was done to them in its order."""

    def __init__(self, engine: FakeEngine) -> None:
        self.state, self.engine = PROD, engine
        self.planned: dict[str, dict[str, Any]] = {}
        self.done: list[str] = []
        for name in FULL:
            engine.entries[name]["Image"] = placing.ids(PROD)[name]
            engine.entries[name]["Id"] = name

    def run(self, _: Stack, *words: str, give_up: object = None) -> Follower:
        targets = [word.removeprefix("**::stealth-") for word in words if word.startswith("**::")]
        self.done.append(" ".join((words[0], *(name for name in targets if name in FULL))))
        if words[0] == "up":
            self._replace(targets)
        follower = Follower(lambda _: None)
        follower.planned = self.planned
        return follower

    def _replace(self, targets: list[str]) -> None:
        for name, identity_ in placing.ids(self.state).items():
            if name != "builder" and (not targets or name in targets):
                self.engine.entries[name]["Image"] = identity_

    def restore(self, _: Stack, export: str) -> None:
        changed = {name for name, number in placing.ids(export).items() if number != placing.ids(self.state).get(name)}
        self.done.append(f"state: {', '.join(sorted(changed))}")
        self.state = export


@pytest.fixture
def server(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server(engine)

    def noting(word: str) -> Callable[..., None]:
        return lambda *_, **__: made.done.append(word)

    for name in ("prepare", "repair"):
        monkeypatch.setattr(Stack, name, lambda *_: None)
    monkeypatch.setattr(Stack, "run", lambda *words, **more: made.run(*words, **more))
    monkeypatch.setattr(Stack, "restore", lambda *words: made.restore(*words))
    monkeypatch.setattr(Stack, "call", lambda *_: made.state)
    monkeypatch.setattr(Stack, "export", lambda _: made.state)
    monkeypatch.setattr(forward, "await_health", noting("healthy"))
    for place, name in ((gates, "soak"), (gates, "readable"), (checks, "promises"), (checks, "probes"),
                        (checks, "canary"), (builds, "build")):
        monkeypatch.setattr(place, name, noting(name))
    monkeypatch.setattr(Engine, "has_image", lambda *_: True)
    return made


def go(pin: Pin = PIN) -> list[str]:
    return Carried(ENGINE, Target.read("local"), Stack("local", print), lambda _: None, pin).go()


def test_services_get_their_images_one_at_a_time_and_nothing_is_built(server: Server) -> None:
    go()
    assert server.done == [
        "preview", "state: builder",
        "state: xray", "up xray", "state: trojan", "up trojan", "state: singbox", "up singbox",
        "state: wireguard", "up wireguard", "state: admin", "up admin", "readable", "state: caddy", "up caddy",
        "up", "healthy", "soak", "readable", "promises", "probes", "canary"]
    assert placing.ids(server.state) == {name: identity(number) for name, number in PINNED.items()}
    tagged = {words[2]: words[1] for words in server.engine.asked if words[0] == "tag"}
    assert tagged == {f"stealth-vpn/{name}:local": identity(number) for name, number in PINNED.items()}


def test_a_service_that_has_its_image_already_is_not_touched_but_known_by_the_new_builder(server: Server) -> None:
    server.state = placing.placed(PROD, PIN, placing.sources(PROD, {}), set(PINNED) - {"xray", "builder"})
    for name in FULL:
        server.engine.entries[name]["Image"] = placing.ids(server.state)[name]
    go()
    assert server.done[:5] == ["preview", "state: builder", "state: xray", "up xray", "up"]
    for entry in images.of(server.state).values():
        arguments = entry["inputs"]["build"]["args"]
        assert arguments.get("BUILDER_ID", identity(1)) == identity(1), "else the next deploy would build it"


def test_a_service_with_another_configuration_is_replaced_too(server: Server) -> None:
    go()
    server.done.clear()
    server.planned = {"stealth-trojan-writer": {}, "stealth-trojan": {}}
    go()
    assert server.done[:5] == ["preview", "state: ", "state: ", "up trojan", "up"]


def test_a_run_that_goes_on_after_a_kill_ends_the_same(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = iter([None, None, None])

    def dies(*words: str, **more: Any) -> Follower:
        next(runs)
        return server.run(*words, **more)  # type: ignore[arg-type]
    with monkeypatch.context() as patch:
        patch.setattr(Stack, "run", dies)
        with pytest.raises(StopIteration):
            go()
    server.planned = {"stealth-singbox": {}}
    go()
    assert placing.ids(server.state) == {name: identity(number) for name, number in PINNED.items()}
    assert server.done.count("up xray") == server.done.count("up trojan") == server.done.count("up singbox") == 1


def test_a_container_of_another_image_fails_the_promotion(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "_replace", lambda *_: None)
    with pytest.raises(OperatorError, match="admin runs the image 120000000000, and not 020000000000, which was"):
        go()
    assert "soak" not in server.done


def test_other_sources_or_a_missing_image_fail_it_before_anything_is_touched(
    server: Server, monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(OperatorError, match="the files of the image xray are not those"):
        go(with_image("xray", source="other"))
    monkeypatch.setattr(Engine, "has_image", lambda _, name: name != identity(PINNED["xray"]))
    with pytest.raises(OperatorError, match=r"the image of xray, 070000000000, is not on unix:///x.sock\. Run `ops"):
        go()
    assert server.done == ["preview", "preview"]
    assert server.state == PROD


def test_an_image_that_cannot_be_named_fails_it(server: Server) -> None:
    server.engine.refused = {"tag"}
    with pytest.raises(OperatorError, match=r"`docker tag 010000000000 stealth-vpn/builder:local` failed: .*refused"):
        go()


@pytest.mark.parametrize("step", ["soak", "promises", "probes", "canary"])
def test_every_gate_of_an_update_is_one_of_a_promotion(
    server: Server, monkeypatch: pytest.MonkeyPatch, step: str,
) -> None:
    def fail(*_: object) -> None:
        raise OperatorError(f"{step} failed")

    monkeypatch.setattr(gates if step == "soak" else checks, step, fail)
    with pytest.raises(OperatorError, match=f"{step} failed"):
        go()


def test_the_way_back_undoes_all_that_was_placed(server: Server) -> None:
    go()
    back = json.loads(images.put_back(ENGINE, PROD, server.state))
    assert [entry for entry in back["deployment"]["resources"] if "inputs" in entry] == [
        entry for entry in json.loads(PROD)["deployment"]["resources"] if "inputs" in entry]
