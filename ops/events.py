"""Reads the engine's event log while Pulumi runs: progress for people, and the faults without their noise.

Format: one JSON object a line (pulumi/sdk/go/common/apitype/events.go).
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from .verdict import Verdict

_COLOUR = re.compile(r"<\{%.*?%\}>")
# What is said about nearly every failed update, and helps nobody.
_NOISE = re.compile(
    r"^(update failed|preview failed|destroy failed|resource registration failed|Running program .* failed"
    r"|an unhandled error occurred|KeyboardInterrupt)", re.IGNORECASE)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What Pulumi writes for a value that only an update will know (sdk/go/common/resource/plugin/rpc.go)."""

# Two of the three steps of one replacement; the third says the same in one.
_HALVES = {"create-replacement", "delete-replaced"}
_QUIET_OPERATIONS = {"same", "read", "refresh"}
_VERBS = {
    "create": "created", "create-replacement": "created", "update": "updated", "delete": "deleted",
    "delete-replaced": "deleted", "discard": "forgotten", "import": "imported",
}
_SHOWN = re.compile(r"^docker:|^random:|^command:")
# By these words the command provider begins; what the command itself said comes after its line.
_COMMAND = re.compile(r"^exit status \d+: running \"[^\"]*\":\s*")


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a preview would do to a resource; of a refresh that is only previewed, what somebody has done to it."""

    operation: str
    """create, update, replace or delete."""

    kind: str
    """Type of the resource, such as docker:index/network:Network."""

    name: str
    """What the program calls it."""

    properties: tuple[str, ...]
    """Names of the inputs that differ."""

    old: Mapping[str, Any]
    """Its inputs in the state; none if it is not there yet. Pulumi writes secrets as [secret]."""

    new: Mapping[str, Any]
    """Its inputs after the step; none if it goes."""

    @classmethod
    def of(cls, step: dict[str, Any]) -> Self:
        """Read the metadata of an event."""
        # Of a bridged provider the paths are told, such as labels[0].value, and not the names.
        paths = step.get("diffs") or step.get("detailedDiff") or ()
        return cls(operation=step["op"], kind=step["type"], name=step["urn"].rpartition("::")[2],
                   old=(step.get("old") or {}).get("inputs") or {}, new=(step.get("new") or {}).get("inputs") or {},
                   properties=tuple(sorted({re.split(r"[.\[]", path)[0] for path in paths})))


@dataclass
class Faults:
    """What went wrong, the most useful sentence first."""

    of_resources: list[str] = field(default_factory=list)
    of_program: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """Return each sentence once; those of resources say more than the program's that follow from them."""
        return list(dict.fromkeys(self.of_resources or self.of_program))


class Follower:
    """Turns events into lines for `show`."""

    def __init__(self, show: Callable[[str], None], said: set[str] | None = None) -> None:
        self._show = show
        self._began: dict[str, float] = {}
        self._said: set[str] = set() if said is None else said
        self.faults = Faults()
        self.verdict = Verdict()
        self.changes = 0
        """Resources that the run really changed."""

        self.differs = False
        """Whether a preview found anything that an update would do, or that the state does not know."""

        self.planned: dict[str, dict[str, Any]] = {}
        """Inputs of the resources that a preview would change, by name; what is not known yet is in UNKNOWN's place."""

        self.left_out: set[str] = set()
        """Names of a fleet's hosts that a deploy left out."""

        self.steps: list[Step] = []
        """What a preview told of each resource that is not the same, in its order."""

    def take(self, event: dict[str, Any]) -> None:
        """Look at one event."""
        self.verdict.take(event)
        if details := event.get("resourcePreEvent"):
            self._started(details)
        elif details := event.get("resOutputsEvent"):
            self._finished(details)
        elif details := event.get("diagnosticEvent"):
            self._told(details)

    def _started(self, details: dict[str, Any]) -> None:
        step = details["metadata"]
        if step["op"] in _QUIET_OPERATIONS or not _SHOWN.match(step["type"]):
            return
        if details.get("planning"):
            self.planned[step["urn"].rpartition("::")[2]] = (step.get("new") or {}).get("inputs") or {}
            return
        self._began[step["urn"]] = time.monotonic()
        if step["type"] == "docker:index/image:Image":
            self._show(f"  {_title(step)} is being built ...")

    def _finished(self, details: dict[str, Any]) -> None:
        step = details["metadata"]
        if step["op"] not in _QUIET_OPERATIONS or _outputs(step, "old") != _outputs(step, "new"):
            self.differs = True
        if details.get("planning") and step["op"] not in _QUIET_OPERATIONS | _HALVES and _SHOWN.match(step["type"]):
            self.steps.append(Step.of(step))
        if details.get("planning") or step["op"] not in _VERBS or not _SHOWN.match(step["type"]):
            return
        self.changes += 1
        seconds = time.monotonic() - self._began.pop(step["urn"], time.monotonic())
        took = f" in {seconds:.1f} s" if seconds >= 0.1 else ""
        self._show(f"  {_title(step)} {_VERBS[step['op']]}{took}")

    def _told(self, details: dict[str, Any]) -> None:
        text = _COLOUR.sub("", details.get("message", "")).strip()
        text = re.sub(r"^(?:error: |warning: |Preview failed: |\d+ errors? occurred:\s+\* )", "", text)
        text = _COMMAND.sub("", text)
        own = "pulumi:pulumi:Stack" not in details.get("urn", "pulumi:pulumi:Stack")
        if details.get("severity") == "warning" and not own and text not in self._said:
            self._said.add(text)
            self._show(f"Warning: {text}")
        if details.get("severity") != "error" or not text or _NOISE.match(text):
            return
        (self.faults.of_resources if own else self.faults.of_program).append(text)


def _outputs(step: dict[str, Any], side: str) -> Any:
    return (step.get(side) or {}).get("outputs")


def follow(file: Path, running: Callable[[], bool]) -> Iterator[dict[str, Any]]:
    """Yield events as they are written, until the writer has ended and all is read."""
    rest = b""
    with file.open("rb") as stream:
        while True:
            alive = running()
            # Pulumi empties the file when the update begins after the preview.
            if os.fstat(stream.fileno()).st_size < stream.tell():
                stream.seek(0)
                rest = b""
            *lines, rest = (rest + stream.read()).split(b"\n")
            yield from (json.loads(line) for line in lines if line.strip())
            if not alive:
                return
            time.sleep(0.05)


def _title(step: dict[str, Any]) -> str:
    kind = step["type"].rpartition(":")[2].lower()
    name = step["urn"].rpartition("::")[2]
    return f"{kind} {name.removesuffix('-image')}"
