from pathlib import Path

import pytest

from ops.backup import room
from ops.backup.room import Thing
from ops.docker import Container, Engine
from ops.errors import OperatorError
from ops.stack import Stack
from tests.ops.backup import fakes

ENGINE = Engine("ssh://me@host")
OWN = Thing(kind="volume", name="stealth-admin-data", stack="local")


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setattr(Stack, "has_resources", lambda _: False)
    return Stack("local", print)


def test_what_is_on_the_engine_is_told_by_kind_and_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fakes.docker(tmp_path, monkeypatch, """
found = {"ps": '{"name": "stealth-xray", "stack": "local"}', "volume": '{"name": "stealth-admin-data", "stack": ""}'}
assert words[-1].count("{{json .Name") == 1 and words[-4:-2] == ["--filter", "name=^stealth-"]
print(found.get(words[0], ""), end="")""")
    assert room.look(engine) == [Thing(kind="container", name="stealth-xray", stack="local"),
                                 Thing(kind="volume", name="stealth-admin-data", stack="")]


def test_an_engine_that_does_not_tell_is_no_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperatorError, match="`docker ps --all` failed: no rights"):
        room.look(fakes.docker(tmp_path, monkeypatch, "sys.exit('no rights')"))


@pytest.mark.parametrize(("name", "state", "serves"), [
    ("stealth-caddy", "running", True), ("stealth-caddy", "exited", False), ("stealth-admin", "running", False)])
def test_a_server_serves_while_its_caddy_runs(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, name: str, state: str, serves: bool,
) -> None:
    monkeypatch.setattr(Engine, "services", lambda *_: [Container(name=name, state=state, health="")])
    assert room.serves(ENGINE, stack) is serves


def test_an_empty_machine_has_room(stack: Stack) -> None:
    room.refuse([], stack, ENGINE, may_replace=False)


def test_a_server_that_is_there_is_refused_unless_it_may_be_replaced(stack: Stack) -> None:
    with pytest.raises(OperatorError, match=r"already at ssh://me@host: it has the volume .*\. Add --replace"):
        room.refuse([OWN], stack, ENGINE, may_replace=False)
    room.refuse([OWN], stack, ENGINE, may_replace=True)


def test_a_server_that_only_the_state_knows_is_one(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stack, "has_resources", lambda _: True)
    with pytest.raises(OperatorError, match="the state here knows local"):
        room.refuse([], stack, ENGINE, may_replace=False)


@pytest.mark.parametrize(("owner", "whose"), [("prod", "the stack prod"), ("", "nobody that this program knows")])
def test_what_is_another_s_is_never_taken_away(stack: Stack, owner: str, whose: str) -> None:
    other = Thing(kind="volume", name="stealth-admin-data", stack=owner)
    with pytest.raises(OperatorError, match=f"is of {whose}"):
        room.refuse([OWN, other], stack, ENGINE, may_replace=True)
