"""What a mutation does to one property: small, named changes that the lists of operators are made of."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.engine import is_secret
from tests.policy.program import Resource, secret


@dataclass(frozen=True)
class Change:
    """Makes a new value of the old one; None takes the property away."""

    label: str
    apply: Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One mutation of one property, and the mandatory policy that must catch it."""

    policy: str
    path: str
    """The property, and below it a field, as in mounts.readOnly."""

    change: Change
    on: frozenset[str]
    """Names of the resources that it applies to."""

    @property
    def name(self) -> str:
        return f"{self.path} {self.change.label}"

    def mutate(self, resource: Resource) -> Resource:
        """Return the resource with the change made; the engine's own view of it after a deploy changes as well."""
        head, _, rest = self.path.partition(".")
        if head in ("protect",):
            return replace(resource, options=resource.options | {head: self.change.apply(True)})
        old = copy.deepcopy(resource.inputs.get(head))
        hidden = is_secret(old)
        new = _within(old["value"] if hidden and old else old, rest, self.change)
        return _with(resource, head, secret(new) if hidden else new)


def gone() -> Change:
    """Take it away."""
    return Change("gone", lambda _: None)


def to(value: object) -> Change:
    """Put another value in its place."""
    return Change(f"= {value!r}", lambda _: value)


def plus(value: object) -> Change:
    """Add an entry to a list."""
    return Change(f"+ {value!r}", lambda old: [*(old or []), value])


def also(key: str, value: object) -> Change:
    """Set one key of a mapping."""
    return Change(f"with {key} = {value!r}", lambda old: {**(old or {}), key: value})


def without(key: str) -> Change:
    """Leave one key, one word of options, or one entry of that name out."""
    def leave(old: Any) -> Any:
        if isinstance(old, dict):
            return {name: value for name, value in old.items() if name != key}
        if isinstance(old, str):
            return ",".join(word for word in old.split(",") if word.partition("=")[0] != key)
        return [item for item in old if (item["name"] if isinstance(item, dict) else item) != key]

    return Change(f"without {key}", leave)


def word(value: str) -> Change:
    """Add a word to options that are parted by commas."""
    return Change(f"with {value}", lambda old: f"{old},{value}")


def _within(old: Any, rest: str, change: Change) -> Any:
    """Apply the change to a property, to a field of it, or to that field of each of its entries."""
    if not rest:
        return change.apply(old)
    if isinstance(old, list):
        return [_within(item, rest, change) for item in old]
    if rest == "*":
        return {key: change.apply(value) for key, value in old.items()}
    field, _, deeper = rest.partition(".")
    new = _within(old.get(field), deeper, change)
    kept = {key: value for key, value in old.items() if key != field}
    return kept if new is None else {**kept, field: new}


def _with(resource: Resource, key: str, value: object) -> Resource:
    def put(values: dict[str, Any]) -> dict[str, Any]:
        kept = {name: old for name, old in values.items() if name != key}
        return kept if value is None else {**kept, key: value}

    return replace(resource, inputs=put(resource.inputs), outputs=put(resource.outputs))
