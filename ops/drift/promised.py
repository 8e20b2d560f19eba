"""What `ops verify` sees and a refresh cannot: processes, files, labels of volumes, and who joined the server.

Its promises are asked with the settings of the deploy, not with those of the stack's file: what the file says and
nobody has deployed is no drift.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ..stack import Stack
from ..target import settings
from ..verify.checks import Check, Verdict
from ..verify.promises import CONTROL, DATA_VOLUMES, EDGE, Promises
from ..verify.state import State
from .findings import Finding, title

_PROVIDER = "pulumi:providers:docker"
_ENGINE = "engine"
IDENTITY = "is the very container that the deploy made"
_RUNS = "runs and is healthy"
_PUBLISHES = "publishes exactly the promised ports"
_RESTARTS = "restarts always, unless stopped by `ops stop` (CIS 5.15)"
# Promises by which properties of a refresh say the same, or bring it about.
SAID_BY: Mapping[str, frozenset[str]] = {
    _RUNS: frozenset({"mustRun"}), _PUBLISHES: frozenset({"mustRun"}),
    _RESTARTS: frozenset({"restart"}),
    "is on the promised networks with its addresses": frozenset({"networksAdvanced"}),
    "has the promised limits (CIS 5.11, 5.12, 5.19)": frozenset(
        {"cpus", "cpuShares", "memory", "memorySwap", "memoryReservation"}),
    "exists": frozenset({"name"}),
}
# What `ops stop` does to a service, if Pulumi's state could not be told (decision 0026).
OF_A_STOP = frozenset({_RUNS, _PUBLISHES, _RESTARTS})
# A service that runs and is ill, or only starts, is not drift: `ops status` tells of it.
_RUNS_ILL = ("it is running", "it is restarting")


def promises_of(stack: Stack, state: State) -> Promises:
    """Return what the last deploy promised."""
    return Promises(stack=stack.name, settings=settings(stack.name) | deployed(state), state=state)


def deployed(state: State) -> dict[str, Any]:
    """Return the settings that the last deploy was made with, as far as its state tells and `ops verify` asks.

    Only what the state does not know, such as the ports of a Caddy that was never made, is left to the stack's file.
    """
    bare = Promises(stack="", settings={}, state=state)
    found: dict[str, Any] = {"mode": "full" if "stealth-xray" in bare.containers else "minimal"}
    for provider in state.of(_PROVIDER):
        # The others are of engines that build for this one, and of further hosts.
        if provider.name == _ENGINE:
            found["dockerHost"] = provider.inputs["host"]
    found["stopped"] = sorted(name.removeprefix("stealth-") for name, made in bare.containers.items()
                              if made.inputs.get("start") is False and not name.endswith("-writer"))
    if caddy := bare.containers.get("stealth-caddy"):
        outside = {int(port["internal"]): int(port["external"]) for port in caddy.inputs.get("ports") or []}
        found |= {key: outside[inside] for key, inside in (("httpPort", 80), ("httpsPort", 443)) if inside in outside}
    if edge := bare.networks.get(EDGE):
        subnets = [str(part["subnet"]) for part in edge.inputs["ipamConfigs"]]
        found |= {"ipv6": edge.inputs.get("ipv6") is True, "networkSubnet": subnets[0], "networkSubnet6": subnets[-1]}
    if wireguard := bare.containers.get("stealth-wireguard"):
        added = (wireguard.inputs.get("capabilities") or {}).get("adds") or []
        found["allowSysModule"] = any(str(name).endswith("SYS_MODULE") for name in added)
    return found


def findings(promises: Promises, checks: Iterable[Check], seen: Mapping[str, Collection[str]],
             gone: Collection[str]) -> Iterator[Finding]:
    """Tell of each promise that is not kept, and that the refresh has not told of.

    `seen` has the properties that it found changed by the resource's name; `gone` those that it found removed.
    """
    for check in checks:
        if check.verdict is Verdict.DIFFERS and not _is_said(check, seen.get(check.subject, ()), gone):
            yield Finding(subject=_title(promises, check.subject), property=check.promise, deployed="yes",
                          now=check.found, remedy=check.remedy)


def _is_said(check: Check, seen: Collection[str], gone: Collection[str]) -> bool:
    if check.promise == _RUNS and check.found.startswith(_RUNS_ILL):
        return True
    # Of what was removed one thing more is worth telling: that another container has its name.
    return (check.subject in gone and check.promise != IDENTITY) or bool(
        SAID_BY.get(check.promise, frozenset()) & set(seen))


def _title(promises: Promises, subject: str) -> str:
    kinds = {"network": {EDGE, CONTROL}, "volume": DATA_VOLUMES | set(promises.volumes), "image": set(promises.images),
             "container": {*promises.services, *promises.containers}}
    kind = next((kind for kind, names in kinds.items() if subject in names), "")
    # All others are containers that nobody deployed, or several things at once.
    return title(kind, subject) if kind else subject if subject in {"networks", "volumes"} else f"container {subject}"
