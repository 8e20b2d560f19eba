"""Runs the operator's commands for a pipeline: each in a process of its own, and nothing secret in what they say."""

import subprocess
import sys
from collections.abc import Callable

from ..target import ROOT
from .hidden import Hidden


class Ops:
    """`ops` on one stack."""

    def __init__(self, name: str, hidden: Hidden, show: Callable[[str], None]) -> None:
        self.name = name
        self._hidden, self._show = hidden, show
        self.said: list[str] = []
        """All lines that were shown."""

    def say(self, line: str) -> None:
        """Show a line, with nothing secret in it, and keep it."""
        line = self._hidden.without(line)
        self._show(line)
        self.said.append(line)

    def run(self, *words: str) -> int:
        """Run a command, show what it says while it says it, and return its exit code."""
        self.say(f"$ ops --stack {self.name} {' '.join(words)}")
        with subprocess.Popen(  # noqa: S603 - fixed words
                self._command(words), cwd=ROOT, text=True, errors="replace", stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            for line in process.stdout or ():
                self.say(line.rstrip("\n"))
        return process.returncode

    def until_one_fails(self, *commands: tuple[str, ...]) -> int:
        """Run commands one after the other; return the exit code of the first that fails, else 0."""
        return next((code for code in (self.run(*words) for words in commands) if code), 0)

    def answer(self, *words: str) -> tuple[int, str]:
        """Run a command; return its exit code and its standard output. What else it says is shown at its end."""
        self.say(f"$ ops --stack {self.name} {' '.join(words)}")
        done = subprocess.run(  # noqa: S603 - fixed words
            self._command(words), cwd=ROOT, text=True, errors="replace", stdin=subprocess.DEVNULL,
            capture_output=True, check=False)
        for line in done.stderr.splitlines():
            self.say(line)
        return done.returncode, self._hidden.without(done.stdout)

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "ops", "--stack", self.name, *words]
