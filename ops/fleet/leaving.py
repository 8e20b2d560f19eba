"""Takes a host out of a fleet: from its engine, as far as that can be reached, and from the state.

Not by a deploy: its volumes and keys are protected, and an engine that is lost would end the deploy of all others.
"""

import json
from collections.abc import Callable
from typing import Any

from ..docker import STACK_LABEL, Engine
from ..errors import OperatorError
from ..stack import Stack
from . import access
from .hosts import Host, is_of

_LISTS = {"container": ("ps", "--all"), "network": ("network", "ls"), "volume": ("volume", "ls")}


def take_down(host: Host, stack: str, show: Callable[[str], None]) -> None:
    """Remove all that the stack has made there, its data too: a host that leaves keeps no user's secret."""
    try:
        host.engine.version()
    except OperatorError as error:
        show(f"{host.name} cannot be reached, and keeps what it has: {error}")
        return
    for kind, words in _LISTS.items():
        _remove(host.engine, kind, words, stack)
    access.withdraw(host)
    show(f"All of {host.name} is gone from its engine.")


def _remove(engine: Engine, kind: str, words: tuple[str, ...], stack: str) -> None:
    found = engine.ask(*words, "--quiet", "--filter", f"label={STACK_LABEL}={stack}").stdout.split()
    if found:
        engine.ask(kind, "rm", *([] if kind == "network" else ["--force"]), *found)


def forget(stack: Stack, host: Host) -> int:
    """Take all of a host out of the state, and return how many resources that were."""
    export = stack.call("stack", "export")
    state, count = without(json.loads(export), host.name)
    if count:
        stack.restore(json.dumps(state))
    return count


def without(state: dict[str, Any], name: str) -> tuple[dict[str, Any], int]:
    """Return a state without a host's resources and secrets, and how many they were; nothing else changes."""
    entries = state["deployment"].get("resources") or []
    gone = {entry["urn"] for entry in entries if is_of(entry["urn"], name)}
    kept = [_unbound(entry, gone) for entry in entries if entry["urn"] not in gone]
    pending = [operation for operation in state["deployment"].get("pending_operations") or []
               if operation["resource"]["urn"] not in gone and not is_of(operation["resource"]["urn"], name)]
    deployment = {**state["deployment"], "resources": kept}
    if "pending_operations" in deployment:
        deployment["pending_operations"] = pending
    return {**state, "deployment": deployment}, len(gone)


def _unbound(entry: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    """Return a resource that waits for none of those that are gone: the panel's was made after the secrets."""
    found = dict(entry)
    if "dependencies" in found:
        found["dependencies"] = [urn for urn in found["dependencies"] if urn not in gone]
    if "propertyDependencies" in found:
        found["propertyDependencies"] = {
            key: [urn for urn in urns or [] if urn not in gone] for key, urns in found["propertyDependencies"].items()}
    return found
