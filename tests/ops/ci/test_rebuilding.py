"""The base image goes to an engine elsewhere, byte by byte, or says why not."""

import pytest

from ops.ci import rebuilding
from ops.errors import OperatorError
from ops.target import Target
from tests.ops.streams import LOAD, SAVE, play


def elsewhere(host: str = "ssh://deploy@host") -> Target:
    return Target(stack="staging", docker_host=host, http_port=80, https_port=443, ipv6=False)


@pytest.fixture(autouse=True)
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack's engine is on another machine."""
    monkeypatch.setattr(Target, "read", lambda _: elsewhere())


def test_the_whole_image_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    started, said = play(monkeypatch, SAVE, LOAD), list[str]()
    rebuilding.hand_over("staging", said.append)
    assert [words[:2] for words in started] == [("unix:///var/run/docker.sock", "save"), ("ssh://deploy@host", "load")]
    assert said == ["The base image of this machine is on ssh://deploy@host."]


@pytest.mark.parametrize(("save", "load", "why"), [
    ("import sys; sys.exit('no such image')", "import sys; sys.stdin.buffer.read()", "no such image"),
    (SAVE, "import sys; sys.exit('no space left')", "no space left")])
def test_what_does_not_arrive_is_told(monkeypatch: pytest.MonkeyPatch, save: str, load: str, why: str) -> None:
    play(monkeypatch, save, load)
    with pytest.raises(OperatorError, match=f"did not reach ssh://deploy@host: {why}"):
        rebuilding.hand_over("staging", lambda _: None)


def test_this_machine_s_engine_has_it_already(monkeypatch: pytest.MonkeyPatch) -> None:
    started = play(monkeypatch, SAVE, LOAD)
    monkeypatch.setattr(Target, "read", lambda _: elsewhere("unix:///var/run/docker.sock"))
    rebuilding.hand_over("staging", lambda _: None)
    assert started == []
