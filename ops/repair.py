"""What a run that was killed leaves behind: things that the engine has made and the state does not know."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from .docker import Engine
from .fleet.hosts import MAIN, is_further, is_of

_CONTAINER = "docker:index/container:Container"
_NETWORK = "docker:index/network:Network"


def half_made(export: str, host: str = MAIN) -> dict[str, list[str]]:
    """Return the names of containers and networks whose making was under way on a host when the run was killed.

    `export` is what `pulumi stack export` prints; its pending operations say what this state, and no other,
    had begun. All hosts of a fleet call theirs the same.
    """
    pending = json.loads(export)["deployment"].get("pending_operations") or []
    found: dict[str, list[str]] = {_CONTAINER: [], _NETWORK: []}
    for entry in pending:
        resource: dict[str, Any] = entry["resource"]
        if entry["type"] == "creating" and resource["type"] in found and _is_on(resource, host):
            found[resource["type"]].append(resource["inputs"]["name"])
    return {"container": found[_CONTAINER], "network": found[_NETWORK]}


def without_half_made(export: str, others: Collection[str] = ()) -> str:
    """Return the state without these operations, which Pulumi itself would keep and this module would act on again.

    All of them can go: what is no container or network is either taken over by its next making (a volume) or
    simply made again. Operations other than a creation are settled by the refresh of the next run. What had begun on
    a fleet's further host that is none of `others`, which were asked, stays for the time when that can be.
    """
    state = json.loads(export)
    pending = state["deployment"].get("pending_operations") or []
    state["deployment"]["pending_operations"] = [
        entry for entry in pending
        if entry["type"] != "creating" or not any(_is_on(entry["resource"], host) for host in (MAIN, *others))]
    return json.dumps(state)


def _is_on(resource: Mapping[str, Any], host: str) -> bool:
    urn = resource.get("urn", "")
    return not is_further(urn) if host == MAIN else is_further(urn) and is_of(urn, host)


def remove(engine: Engine, stack: str, names: dict[str, list[str]]) -> list[str]:
    """Remove those that carry this stack's label, and return their names; volumes are never touched."""
    return [name for kind in ("container", "network") for name in names[kind]
            if engine.remove_own(kind, name, stack)]
