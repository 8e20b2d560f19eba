"""What a case of the policies' tables is, and how one is written: a resource of the real program with one change.

A case is made when its test asks for it, so that the program does not run while tests are only listed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.engine import CONTAINER
from tests.policy.changes import Change, Operator, to
from tests.policy.judge import UNKNOWN
from tests.policy.program import Resource, full

Made = Callable[[], tuple[Resource, ...]]
"""What a policy sees at once: one resource, or a whole stack."""

SILENT = "a preview rightly does not know it, and the update asks again"


@dataclass(frozen=True, kw_only=True)
class Cases:
    """One policy's three kinds of cases."""

    passing: tuple[Made, ...]
    failing: tuple[tuple[Made, str], ...]
    """The same, with the message up to the remedy that each of the policy's messages ends with."""

    unknown: tuple[tuple[Made, str], ...] = field(default=())
    """The same with a value that a preview does not know; the message, or SILENT."""

    not_applicable: str = ""
    """Why there is no unknown value that the policy could meet."""


def real(name: str, kind: str = CONTAINER) -> Made:
    """Return a resource of the real program."""
    def find() -> tuple[Resource, ...]:
        (found,) = [item for item in full() if (item.kind, item.name) == (kind, name)]
        return (found,)

    return find


def but(base: Made, path: str, change: Change | object) -> Made:
    """Return the resource with a change at a path; a value that is no change takes the old one's place."""
    operator = Operator(policy="", path=path, change=change if isinstance(change, Change) else to(change),
                        on=frozenset())
    return lambda: tuple(map(operator.mutate, base()))


def unknown(base: Made, path: str) -> Made:
    """Return the resource with a value that is not known before the deploy."""
    return but(base, path, UNKNOWN)


def made(kind: str, **inputs: Any) -> Made:
    """Return a resource that the real program does not have."""
    added = Resource(kind=kind, name="added", urn=f"urn:pulumi:test::stealth-vpn::{kind}::added",
                     inputs=inputs, outputs=inputs)
    return lambda: (added,)
