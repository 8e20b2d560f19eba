"""A deploy is a preview, and an update only where something differs."""

from dataclasses import dataclass, field

import pytest

from ops import certificates, deploying
from ops.docker import Engine
from ops.errors import OperatorError
from ops.events import Follower
from ops.fleet import access
from ops.stack import Stack


@dataclass
class Pulumi:
    """What runs come to, and which were made."""

    differs: bool = False
    fails: str = ""
    """First word of the run that does."""

    made: list[str] = field(default_factory=list)

    def run(self, *words: str) -> Follower:
        """Run it."""
        self.made.append(" ".join(words))
        if words[0] == self.fails:
            raise OperatorError("of a test")
        follower = Follower(print)
        follower.differs = self.differs
        return follower


@pytest.fixture
def pulumi(monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    made = Pulumi()
    monkeypatch.setattr(Stack, "run", lambda _, *words: made.run(*words))
    monkeypatch.setattr(Stack, "repair", lambda *_: None)
    monkeypatch.setattr(deploying, "renewed", lambda *_: ["--replace", "x"])
    monkeypatch.setattr(access, "grant", lambda *_: {})
    monkeypatch.setattr(certificates, "explained", lambda _, error: OperatorError(f"explained: {error}"))
    return made


def deploy() -> Follower:
    return deploying.deploy(Stack("local", print), Engine("unix:///nowhere.sock"), "--refresh")


def test_what_differs_is_looked_at_first_and_then_done_without_a_second_look(pulumi: Pulumi) -> None:
    pulumi.differs = True
    deploy()
    assert pulumi.made == ["preview --refresh --replace x", "up --yes --skip-preview --refresh --replace x"]


def test_where_nothing_differs_a_look_is_all(pulumi: Pulumi) -> None:
    assert deploy().changes == 0
    assert pulumi.made == ["preview --refresh --replace x"]


def test_what_the_policies_refuse_in_the_preview_is_never_begun(pulumi: Pulumi) -> None:
    pulumi.differs, pulumi.fails = True, "preview"
    with pytest.raises(OperatorError, match=r"^of a test$"):
        deploy()
    assert len(pulumi.made) == 1


def test_a_fault_of_the_update_is_explained_by_what_the_engine_says(pulumi: Pulumi) -> None:
    pulumi.differs, pulumi.fails = True, "up"
    with pytest.raises(OperatorError, match=r"^explained: of a test$"):
        deploy()
