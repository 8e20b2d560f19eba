"""What the policies said of one run, out of the engine's events."""

from dataclasses import dataclass, field
from typing import Any

from policy.names import NAMES

_SUMMARIES = ("policyAnalyzeSummaryEvent", "policyAnalyzeStackSummaryEvent")


@dataclass
class Verdict:
    """Policies by name, and the sentences of those that were broken."""

    passed: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    is_whole: bool = False
    """Whether the stack as a whole was judged, which is the last thing that a pack does."""

    def take(self, event: dict[str, Any]) -> None:
        """Look at one event of the engine's."""
        if said := event.get("policyEvent"):
            # The description comes first, on a line of its own.
            sentence = f"{said['message'].strip().splitlines()[-1]} (policy {said['policyName']})"
            kept = self.refusals if said["enforcementLevel"] == "mandatory" else self.advice
            if sentence not in kept:
                kept.append(sentence)
        for kind in _SUMMARIES:
            if (summary := event.get(kind)) is not None:
                self.passed |= set(summary.get("passed", ()))
                self.broken |= set(summary.get("failed", ()))
                self.is_whole |= kind == _SUMMARIES[-1]

    def unasked(self) -> list[str]:
        """Return the policies of the pack that nobody has asked; all of them if the stack was not judged."""
        asked = self.passed | self.broken if self.is_whole else set()
        return [name for name in NAMES if name not in asked]

    def sentence(self) -> str:
        """Say how many policies passed, and how many gave advice."""
        advised = f" {len(self.broken)} advise otherwise." if self.broken else ""
        return f"{len(self.passed - self.broken)} policies passed.{advised}"
