"""Events as Pulumi 3.259.0 writes them for `refresh --preview-only` over a state and a socket that plays the engine."""

from typing import Any

from ops.events import Step
from ops.verify.state import CONTAINER

INPUTS: dict[str, Any] = {
    "name": "stealth-xray", "mustRun": True, "restart": "always", "memory": 512, "cpus": "1.0",
    "envs": ["TZ=UTC"], "uploads": "[secret]",
    "networksAdvanced": [{"name": "stealth-vpn", "ipv4Address": "172.20.0.11"},
                         {"name": "stealth-control", "ipv4Address": "172.21.0.11"}]}


def event(operation: str, kind: str = CONTAINER, *, planning: bool = True, title: str = "stealth-xray",
          **changes: Any) -> dict[str, Any]:
    """Return the event of a resource that was changed in these inputs, or removed."""
    urn = f"urn:pulumi:local::stealth-vpn::stealth-vpn:docker:Service${kind}::{title}"
    old = INPUTS | {"name": title} if kind == CONTAINER else {"name": title}
    return {"resOutputsEvent": {"planning": planning, "metadata": {
        "op": operation, "urn": urn, "type": kind, "old": {"inputs": old, "outputs": {}},
        "new": None if operation == "delete" else {"inputs": {**old, **changes}},
        "diffs": sorted(changes) or None, "detailedDiff": None}}}


def step(operation: str = "update", kind: str = CONTAINER, title: str = "stealth-xray", **changes: Any) -> Step:
    """Return what such an event tells."""
    return Step.of(event(operation, kind, title=title, **changes)["resOutputsEvent"]["metadata"])
