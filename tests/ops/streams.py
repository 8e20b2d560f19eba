"""Plays the engines between which images are carried."""

import subprocess
import sys

import pytest

from ops.docker import Engine

SAVE = "import sys; sys.stdout.buffer.write(bytes(3_000_000))"
LOAD = "import sys; sys.exit(len(sys.stdin.buffer.read()) != 3_000_000)"


def play(monkeypatch: pytest.MonkeyPatch, save: str, load: str) -> list[tuple[str, ...]]:
    """Let these Python programs save and load; returns the engines and words that they are started with."""
    started: list[tuple[str, ...]] = []

    def stream(self: Engine, *words: str, is_fed: bool = False) -> subprocess.Popen[bytes]:
        started.append((self.host, *words))
        return subprocess.Popen([sys.executable, "-c", load if is_fed else save], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, stdin=subprocess.PIPE if is_fed else subprocess.DEVNULL)
    monkeypatch.setattr(Engine, "stream", stream)
    return started
