"""A look in lines for people and in one document for programs."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..events import Step
from ..operations.words import printable, table
from .findings import Finding, kind_of, name_of, title, word

if TYPE_CHECKING:
    from .look import Look

_HEAD = ("SUBJECT", "PROPERTY", "DEPLOYED", "NOW")
_WOULD = {"create": "would be made", "update": "would be changed", "replace": "would be replaced",
          "delete": "would be removed"}


def lines(look: "Look") -> Iterator[str]:
    """Yield the findings with what mends them, then what is no drift, and last a verdict."""
    if look.findings:
        yield from (printable(line) for line in table([_HEAD, *(_row(finding) for finding in look.findings)]))
        for remedy, subjects in _remedies(look.findings).items():
            yield f"To mend {', '.join(subjects)}: {remedy}"
    if look.unchecked:
        reasons = dict.fromkeys(f"{check.found}. {check.remedy}" for check in look.unchecked)
        count = len(look.unchecked)
        yield f"{count} promise{'s' if count > 1 else ''} could not be looked at: {' '.join(reasons)}"
    yield from _of_pending(look)
    yield verdict(look)


def verdict(look: "Look") -> str:
    """Return the count in one sentence."""
    count = len(look.findings)
    if not count:
        return "No drift: what runs is what was deployed."
    return f"{count} finding{'s' if count > 1 else ''} of drift: what runs is not what was deployed."


def document(look: "Look") -> dict[str, Any]:
    """Return it for programs."""
    return {"drift": [asdict(finding) for finding in look.findings],
            "pending": [{"subject": _title(step), "change": step.operation, "properties": list(step.properties)}
                        for step in look.pending],
            "pending_fault": look.pending_fault, "not_checked": len(look.unchecked)}


def _of_pending(look: "Look") -> Iterator[str]:
    if look.pending_fault:
        yield f"Not deployed yet, and not to be deployed as it is: {look.pending_fault}"
    elif look.pending:
        yield "Not deployed yet, which is no drift; `make preview` shows all of it, and `make up` deploys it:"
    for step in look.pending:
        properties = f": {', '.join(map(word, step.properties))}" if step.properties else ""
        yield f"  {_title(step)} {_WOULD.get(step.operation, step.operation)}{properties}"


def _title(step: Step) -> str:
    return title(kind_of(step.kind), name_of(step))


def _row(finding: Finding) -> tuple[str, ...]:
    return finding.subject, finding.property, finding.deployed, finding.now


def _remedies(findings: list[Finding]) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for finding in findings:
        found.setdefault(finding.remedy, {})[finding.subject] = None
    return {remedy: list(subjects) for remedy, subjects in found.items()}
