"""A machine that was made anew is made ready again, and gets its images again; one that has all is asked once."""

import json
from collections.abc import Sequence
from subprocess import CompletedProcess

import pytest

from ops.docker import Engine
from ops.errors import OperatorError
from ops.hosting import renewed
from ops.stack import Stack

SETUP: dict[str, object] = {
    "type": "command:local:Command", "urn": "urn:pulumi:s::p::command:local:Command::stealth-host", "inputs": {}}
CARRIAGE: dict[str, object] = {
    "type": "command:local:Command", "urn": "urn:pulumi:s::p::command:local:Command::stealth-carriage",
    "inputs": {"stdin": "stealth-vpn/xray:local sha256:1\n"}}


class Played(Stack):
    """A stack whose state is given, and which notes what is run."""

    def __init__(self, *resources: dict[str, object]) -> None:
        super().__init__("prod", lambda _: None)
        self._resources, self.runs = resources, list[tuple[str, ...]]()

    def has_resources(self) -> bool:
        return bool(self._resources)

    def call(self, *words: str) -> str:
        return json.dumps({"deployment": {"resources": self._resources}})

    def run(self, *words: str, **_: object) -> None:  # type: ignore[override]
        self.runs.append(words)


class Host(Engine):
    """An engine by ssh."""

    def __init__(self, *, answers: bool = True, images: Sequence[str] = ()) -> None:
        super().__init__("ssh://there")
        self._answers, self._images = answers, images

    def version(self) -> str:
        if not self._answers:
            raise OperatorError("Docker Engine at ssh://there does not answer: docker: not found.")
        return "26.1.5"

    def ask(self, *words: str) -> CompletedProcess[str]:
        return CompletedProcess(words, 0 if set(words[4:]) <= set(self._images) else 1, "", "")


def test_a_machine_that_has_all_is_left_alone() -> None:
    stack = Played(SETUP, CARRIAGE)
    assert renewed(stack, Host(images=["sha256:1"])) == []
    assert stack.runs == []


def test_a_machine_without_docker_is_made_ready_before_anything_asks_its_engine() -> None:
    stack = Played(SETUP, CARRIAGE)
    assert renewed(stack, Host(answers=False)) == ["--replace", "**::stealth-carriage"]
    assert stack.runs == [("up", "--yes", "--skip-preview", "--refresh=false", "--replace", "**::stealth-host",
                           "--target", "**::stealth-host")]


def test_lost_images_are_brought_again() -> None:
    assert renewed(Played(SETUP, CARRIAGE), Host()) == ["--replace", "**::stealth-carriage"]


@pytest.mark.parametrize("resources", [(), (SETUP,)])
def test_a_first_deploy_and_a_host_that_builds_need_nothing(resources: tuple[dict[str, object], ...]) -> None:
    assert renewed(Played(*resources), Host()) == []


def test_this_machine_s_own_engine_is_not_asked() -> None:
    assert renewed(Played(SETUP, CARRIAGE), Engine("unix:///nowhere.sock")) == []
