"""Images go from engine to engine byte by byte, or it is said why not."""

import subprocess

import pytest

from ops import carrying
from ops.docker import Engine
from tests.ops.streams import LOAD, SAVE, play

FROM, TO = Engine("unix:///from.sock"), Engine("ssh://deploy@to")


def test_all_images_go_in_one_stream_and_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "_TOLD_BYTES", 1_200_000)
    started, said = play(monkeypatch, SAVE, LOAD), list[str]()
    assert carrying.carry(FROM, TO, ["sha256:1", "sha256:2"], said.append) == ""
    assert started == [("unix:///from.sock", "save", "sha256:1", "sha256:2"), ("ssh://deploy@to", "load", "--quiet")]
    assert said == ["  2.1 MB carried ..."]


@pytest.mark.parametrize(("save", "load", "why"), [
    ("import sys; sys.exit('no such image')", "import sys; sys.stdin.buffer.read()", "no such image"),
    ("import sys; sys.exit('no such image')", "import sys; sys.stdin.buffer.read(); sys.exit('unexpected EOF')",
     "no such image"),
    (SAVE.replace("3_000_000", "500_000_000"), "import sys; sys.exit('no space left')", "no space left"),
    (SAVE, "import sys; sys.stdin.buffer.read(); sys.exit('no space left')", "no space left")])
def test_what_does_not_arrive_is_told_by_the_one_that_failed_first(
    monkeypatch: pytest.MonkeyPatch, save: str, load: str, why: str,
) -> None:
    play(monkeypatch, save, load)
    assert carrying.carry(FROM, TO, ["sha256:1"]) == why


def test_an_interruption_ends_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    play(monkeypatch, "import sys, time; sys.stdout.buffer.write(bytes(2 << 20)); sys.stdout.flush(); time.sleep(600)",
         LOAD)
    stream = Engine.stream

    def noting(self: Engine, *words: str, is_fed: bool = False) -> subprocess.Popen[bytes]:
        started.append(stream(self, *words, is_fed=is_fed))
        return started[-1]
    monkeypatch.setattr(Engine, "stream", noting)
    monkeypatch.setattr(carrying, "_TOLD_BYTES", 1)

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        carrying.carry(FROM, TO, ["sha256:1"], interrupt)
    assert [process.returncode for process in started] == [-9, -9]
