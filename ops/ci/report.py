"""Texts for people, in Markdown: a file that a CI keeps or comments, and GitHub's page of a run where there is one."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ..files import write_whole
from ..target import ROOT

FOLDER = ROOT / "ci-out"
"""What a step leaves for others. Not hidden: actions/upload-artifact leaves out folders that begin with a dot."""

_MOST_CHARACTERS = 60_000
"""Of a text. GitHub takes comments of 65,536 characters."""

_READABLE = 0o644
_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Names the file that GitHub shows on the page of a run
(https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands)."""


class Report:
    """One text."""

    def __init__(self, name: str, folder: Path | None = None) -> None:
        self.file = (folder or FOLDER) / name

    def write(self, title: str, lines: Iterable[str], before: str = "") -> None:
        """Write a title, a sentence and lines as they are; also for GitHub's page."""
        text = "\n\n".join(part for part in (f"## {title}", before, fenced("\n".join(lines))) if part) + "\n"
        self.write_text(text)

    def write_text(self, text: str) -> None:
        """Write Markdown; also for GitHub's page."""
        self.file.parent.mkdir(exist_ok=True)
        write_whole(self.file, text, _READABLE)
        if summary := os.environ.get(_SUMMARY):
            with Path(summary).open("a") as stream:
                stream.write(text)


def fenced(text: str) -> str:
    """Return a text as a block of code that nothing in it can end, cut in its middle if it is too long; '' of ''."""
    text = text.strip("\n")
    if not text:
        return ""
    if len(text) > _MOST_CHARACTERS:
        half = _MOST_CHARACTERS // 2
        text = f"{text[:half]}\n... {len(text) - 2 * half:,} characters are left out ...\n{text[-half:]}"
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
