"""What a run that was killed leaves behind: things that the engine has made and the state does not know."""

import json
from typing import Any

from .docker import Engine

_CONTAINER = "docker:index/container:Container"
_NETWORK = "docker:index/network:Network"


def half_made(export: str) -> dict[str, list[str]]:
    """Return the names of containers and networks whose making was under way when the run was killed.

    `export` is what `pulumi stack export` prints; its pending operations say what this state, and no other,
    had begun.
    """
    pending = json.loads(export)["deployment"].get("pending_operations") or []
    found: dict[str, list[str]] = {_CONTAINER: [], _NETWORK: []}
    for entry in pending:
        resource: dict[str, Any] = entry["resource"]
        if entry["type"] == "creating" and resource["type"] in found:
            found[resource["type"]].append(resource["inputs"]["name"])
    return {"container": found[_CONTAINER], "network": found[_NETWORK]}


def without_half_made(export: str) -> str:
    """Return the state without these operations, which Pulumi itself would keep and this module would act on again.

    All of them can go: what is no container or network is either taken over by its next making (a volume) or
    simply made again. Operations other than a creation are settled by the refresh of the next run.
    """
    state = json.loads(export)
    pending = state["deployment"].get("pending_operations") or []
    state["deployment"]["pending_operations"] = [entry for entry in pending if entry["type"] != "creating"]
    return json.dumps(state)


def remove(engine: Engine, stack: str, names: dict[str, list[str]]) -> list[str]:
    """Remove those that carry this stack's label, and return their names; volumes are never touched."""
    return [name for kind in ("container", "network") for name in names[kind]
            if engine.remove_own(kind, name, stack)]
