"""Staging and prod without an engine, for promotions as a whole."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from ops.docker import Engine
from ops.errors import OperatorError
from ops.events import Follower
from ops.promote import shared
from ops.promote.pin import Pin
from ops.target import HERE, settings
from tests.ops.operations.fakes import FakeEngine
from tests.ops.promote.sets import COMMIT, FORMER, PIN, PINNED, PROD, identity, inputs
from tests.ops.update.test_run import command, execute

STAGING, PRODUCTION = "ssh://deploy@vpn.staging.example.com", "ssh://deploy@vpn.example.com"
ALL = {identity(number) for number in PINNED.values()}


class World:
    """Staging and prod, what was pinned, and what fails."""

    def __init__(self) -> None:
        self.pin: Pin = replace(PIN, configuration=shared.of(settings("staging")))
        self.code, self.server = COMMIT, FORMER
        self.committed = True
        self.program = {COMMIT: "program b", FORMER: "program a"}
        self.images = {STAGING: set(ALL), PRODUCTION: set[str]()}
        self.state = PROD
        self.planned: dict[str, dict[str, object]] = {"stealth-xray-image": {**inputs("xray", "source of xray")}}
        self.fails: set[str] = set()
        self.dies: set[str] = set()
        self.done: list[str] = []
        self.restored = ""

    def do(self, step: str) -> None:
        self.done.append(step)
        if step in self.dies:
            self.dies.remove(step)
            raise SystemExit(137)
        if step in self.fails:
            raise OperatorError(f"{step} failed.")

    def run(self, *words: str) -> Follower:
        self.do(words[0])
        follower = Follower(lambda _: None)
        follower.planned = dict(self.planned)
        return follower

    def carry(self, source: Engine, target: Engine, images: Sequence[str], _: object) -> str:
        self.do(f"carry {len(images)} from {source.host} to {target.host}")
        self.images[target.host] |= set(images)
        return ""

    def drop(self, engine: Engine, tag: str) -> None:
        if engine.host != HERE:  # what was built here is kept as well, as far as it is there
            self.do(f"drop {tag}")

    def backup(self) -> str:
        self.do("backup")
        return "1a2b3c4d"

    def move(self, commit: str) -> None:
        self.do(f"code {commit[0]}")
        self.code = commit

    def deploy(self, pin: Pin) -> list[str]:
        assert pin == self.pin, "what was written beside the journal is what was read"
        self.server = "half"
        self.do("deploy")
        self.server = self.code
        return ["xray"]

    def back(self, state: str) -> None:
        self.do("back")
        assert state == PROD
        self.server = self.code


@pytest.fixture
def world(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    fakes: dict[str, Callable[..., object]] = {
        "update.checkout.Checkout.head": lambda _: made.code,
        "update.checkout.Checkout.refuse_changes": lambda _: made.do("changes"),
        "update.checkout.Checkout.is_committed": lambda _, name: made.committed and name == "promotions/staging.json",
        "update.checkout.Checkout.program": lambda _, commit: made.program[commit],
        "update.checkout.Checkout.title": lambda _, commit: commit[:4],
        "update.checkout.Checkout.is_before": lambda _, first, then: first <= then,
        "update.checkout.Checkout.tables": lambda *_: frozenset(), "update.checkout.Checkout.pulumi": lambda *_: (),
        "update.checkout.Checkout.has": lambda _, commit: commit in made.program,
        "update.checkout.Checkout.stack_files": lambda _: [],
        "update.checkout.Checkout.set_up": lambda _: made.do("tools"),
        "update.checkout.Checkout.move": lambda _, commit, __: made.move(commit),
        "stack.Stack.has_resources": lambda _: True, "stack.Stack.prepare": lambda _: None,
        "stack.Stack.repair": lambda *_: None, "stack.Stack.outputs": lambda _: {"version": made.server},
        "stack.Stack.call": lambda *_: made.state, "stack.Stack.run": lambda _, *words, **__: made.run(*words),
        "docker.Engine.has_image": lambda self, name: name in made.images[self.host],
        "promote.run.carry": made.carry, "promote.run.make": lambda _: made.backup(),
        "promote.carried.Carried.go": lambda self: made.deploy(self._pin),
        "update.run.Forward.go": lambda _: made.do("an update that builds"),
        "update.run.Back.go": lambda _, state: made.back(state),
        "update.images.keep": lambda _engine, _state, tag: made.do(f"keep {tag}"),
        "update.images.drop": lambda engine, _state, tag: made.drop(engine, tag),
        "preflight.check": lambda target: Engine(target.docker_host), "update.run.ensure": lambda *_: None,
        "update.store.tables": lambda _: "", "update.run.os.execv": execute}
    for place, fake in fakes.items():
        monkeypatch.setattr(f"ops.{place}", fake)
    # Of a class, and so without an instance before its words.
    monkeypatch.setattr(Pin, "read", staticmethod(lambda _: made.pin))
    return made


def promote(*words: str) -> tuple[int, str]:
    return command("promote", "staging", "prod", *words)
