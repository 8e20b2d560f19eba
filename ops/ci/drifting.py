"""`ops drift`, as a text for people: what it found is its own matter."""

import json
from typing import Any

from ..output import DRIFTED
from .report import Report
from .run import Ops


def drift(ops: Ops, report: Report) -> int:
    """Compare, and write the text; return the exit code of `ops drift`."""
    code, answer = ops.answer("drift", "--json")
    found = {0: "none", DRIFTED: "the server was changed outside the code"}.get(code, "it could not be told")
    title = f"Drift of `{ops.name}`: {found}"
    advice = f"`STACK={ops.name} scripts/ops drift --heal` brings back what was deployed." if code == DRIFTED else ""
    report.write(title, _lines(answer) or ops.said[1:], advice)
    ops.say(title)
    return code


def _lines(answer: str) -> list[str]:
    """Return what the document says to people; nothing of a command that failed before it had one."""
    try:
        document: dict[str, Any] = json.loads(answer)
    except json.JSONDecodeError:
        return []
    return [*document.get("said", ()), *filter(None, [document.get("error")])]
