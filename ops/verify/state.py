"""What the deploy wrote down: the stack's state, as `pulumi stack export --show-secrets` prints it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..fleet.hosts import is_further

CONTAINER = "docker:index/container:Container"
NETWORK = "docker:index/network:Network"
VOLUME = "docker:index/volume:Volume"
IMAGE = "docker:index/image:Image"
RANDOM_PASSWORD = "random:index/randomPassword:RandomPassword"  # noqa: S105 - a type
_STACK = "pulumi:pulumi:Stack"
# By this key Pulumi marks a secret in JSON (pulumi/sdk/go/common/resource/sig).
_SIGNATURE = "4dabf18193072939515e22adb298388d"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource, with its secrets in clear."""

    kind: str
    name: str
    id: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    secrets: tuple[str, ...]
    """Every text in it that is marked as a secret."""


@dataclass(frozen=True, kw_only=True)
class State:
    """All resources of one stack, but for a fleet's further servers, each of which has an engine of its own."""

    resources: tuple[Resource, ...]

    @classmethod
    def parse(cls, export: str) -> Self:
        """Read an export."""
        entries = json.loads(export)["deployment"].get("resources") or []
        return cls(resources=tuple(_resource(entry) for entry in entries
                                   if not entry.get("delete") and not is_further(entry["urn"])))

    def of(self, kind: str) -> list[Resource]:
        """Return the resources of a type."""
        return [item for item in self.resources if item.kind == kind]

    @property
    def stack_outputs(self) -> Mapping[str, Any]:
        """The stack's outputs, in clear."""
        return next((item.outputs for item in self.of(_STACK)), {})


def _resource(entry: dict[str, Any]) -> Resource:
    inputs, outputs = entry.get("inputs") or {}, entry.get("outputs") or {}
    return Resource(
        kind=entry["type"], name=entry["urn"].rpartition("::")[2], id=entry.get("id", ""),
        inputs=_clear(inputs), outputs=_clear(outputs),
        secrets=tuple(dict.fromkeys([*_secrets(inputs), *_secrets(outputs)])))


def _clear(value: Any) -> Any:
    if isinstance(value, dict):
        if _SIGNATURE in value:
            return json.loads(value["plaintext"]) if "plaintext" in value else None
        return {key: _clear(inner) for key, inner in value.items() if key != "__defaults"}
    return [_clear(inner) for inner in value] if isinstance(value, list) else value


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and _SIGNATURE in value:
        yield from _texts(_clear(value))
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _secrets(inner)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
