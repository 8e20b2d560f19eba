import io
import json
from typing import Any

import pytest

from ops.docker import Engine
from tests.ops.operations.fakes import FakeEngine, ops


@pytest.fixture
def spoken(engine: FakeEngine) -> FakeEngine:
    engine.answers[("logs",)] = "2026-11-30T01:00:00.5Z second\n2026-11-30T01:00:00.1Z first \x1b]0;title\x07\n"
    return engine


def test_one_service_s_lines_come_by_time_and_cannot_write_to_the_terminal(spoken: FakeEngine) -> None:
    assert ops("logs", "xray").output.splitlines() == [
        "2026-11-30T01:00:00Z first \\x1b]0;title\\x07", "2026-11-30T01:00:00Z second"]
    assert spoken.asked[-1] == ("logs", "--timestamps", "--tail", "100", "stealth-xray")


def test_all_services_are_merged_and_each_line_says_whose_it_is(spoken: FakeEngine) -> None:
    lines = ops("logs").output.splitlines()
    assert len(lines) == 12
    assert [line.split(" | ")[1][:5] for line in lines] == ["first"] * 6 + ["secon"] * 6
    assert lines[0].startswith("2026-11-30T01:00:00Z admin     | ")


@pytest.mark.parametrize(("words", "asked"), [
    (("xray", "5"), ("--tail", "5", "stealth-xray")), (("5",), ("--tail", "5", "stealth-xray")),
    (("xray", "--since", "10m"), ("--since", "10m", "stealth-xray")),
    (("xray", "5", "--since", "10m"), ("--since", "10m", "--tail", "5", "stealth-xray"))])
def test_how_many_and_from_when_is_passed_on(
    spoken: FakeEngine, words: tuple[str, ...], asked: tuple[str, ...],
) -> None:
    assert ops("logs", *words).exit_code == 0
    assert spoken.asked[-1] == ("logs", "--timestamps", *asked)


def test_programs_get_an_object_a_line(spoken: FakeEngine) -> None:
    first = json.loads(ops("logs", "xray", "--json").output.splitlines()[0])
    assert first == {"at": "2026-11-30T01:00:00.1Z", "service": "xray", "text": "first \x1b]0;title\x07"}


def test_following_ends_with_the_last_service_and_leaves_no_process(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[str] = []

    class Process:
        def __init__(self, words: tuple[str, ...]) -> None:
            self.name = words[-1]
            self.stdout = io.StringIO(f"2026-11-30T01:00:00.1Z of {self.name}\n")

        def kill(self) -> None:
            ended.append(self.name)

        def wait(self) -> None:
            pass

    def start(_: Engine, *words: str) -> Any:
        assert words[:3] == ("logs", "--timestamps", "--follow")
        return Process(words)

    monkeypatch.setattr(Engine, "start", start)
    done = ops("logs", "-f")
    assert done.exit_code == 0, done.output
    assert len(done.output.splitlines()) == len(ended) == 6
