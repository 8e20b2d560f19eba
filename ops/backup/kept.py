"""A server's state without what can be made again: what `make down` would have left of it.

On an empty machine nothing is there of the containers, networks and images that a state names. What cannot be made
again is protected in the program (decision 0006); all else is left out, and the next deploy makes it.
"""

import json
from typing import Any

from ..carriage import COMMAND

_STACK = "pulumi:pulumi:Stack"
_PROVIDER = "pulumi:providers:docker"
# Others are of the engine that builds, and of a fleet's further servers.
_ENGINE = "::engine"
_VOLUME = "docker:index/volume:Volume"


def secrets_provider(state: dict[str, Any]) -> str:
    """Return what encrypts a state's secrets: passphrase, or the name of a service."""
    return str((state["deployment"].get("secrets_providers") or {}).get("type", ""))


def parsed(text: bytes) -> dict[str, Any]:
    """Return a state of a backup."""
    state: dict[str, Any] = json.loads(text)
    return state


def reduced(state: dict[str, Any], docker_host: str = "") -> str:
    """Return the state with the protected resources, and what they need, only.

    `docker_host` is the engine that the server goes to, if another. A provider whose address changes would have all
    that it has made replaced (https://www.pulumi.com/docs/iac/concepts/resources/providers/), which is protected.
    """
    deployment = state["deployment"]
    resources = {entry["urn"]: entry for entry in deployment["resources"] if not entry.get("delete")}
    kept: set[str] = set()
    waiting = [urn for urn, entry in resources.items() if entry.get("protect") or entry["type"] == _STACK]
    while waiting:
        urn = waiting.pop()
        if urn not in kept:
            kept.add(urn)
            waiting += _needed(resources[urn])
    # What a command has brought, such as Docker, is not on another machine: it runs there again.
    commands = {urn for urn, entry in resources.items() if entry["type"] == COMMAND}
    left = [_without(_moved(entry, docker_host), commands) for urn, entry in resources.items()
            if urn in kept - commands]
    return json.dumps({**state, "deployment": {**deployment, "resources": left, "pending_operations": []}})


def _moved(entry: dict[str, Any], docker_host: str) -> dict[str, Any]:
    if not docker_host or entry["type"] != _PROVIDER or not entry["urn"].endswith(_ENGINE):
        return entry
    return entry | {part: (entry.get(part) or {}) | {"host": docker_host} for part in ("inputs", "outputs")}


def _without(entry: dict[str, Any], urns: set[str]) -> dict[str, Any]:
    if not urns.intersection(entry.get("dependencies") or []):
        return entry
    return entry | {"dependencies": [urn for urn in entry["dependencies"] if urn not in urns]}


def volumes(state: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return the labels of each volume that cannot be made again, by name: as the deploy expects them."""
    return {entry["inputs"]["name"]: {label["label"]: label["value"] for label in entry["inputs"].get("labels") or []}
            for entry in state["deployment"]["resources"] if entry["type"] == _VOLUME and entry.get("protect")}


def _needed(entry: dict[str, Any]) -> list[str]:
    by_property = (entry.get("propertyDependencies") or {}).values()
    found = [entry.get("parent"), entry.get("deletedWith"), *(entry.get("dependencies") or []),
             *(urn for urns in by_property for urn in urns or []),
             # A provider is named by its URN and its id.
             (entry.get("provider") or "").rpartition("::")[0]]
    return [urn for urn in found if urn]
