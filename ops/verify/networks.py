"""The two networks with their members, and the volumes."""

from collections.abc import Iterator, Mapping
from typing import Any

from .checks import Check, different, judged, listed
from .inspect import Entry, Observed, stack_of
from .promises import CONTROL, DATA_VOLUMES, EDGE, Promises

_MEND = "Run `make up`, which makes it as promised."
_SHAPES = {EDGE: "carries traffic", CONTROL: "is for management, without a way out"}


def checks(promises: Promises, observed: Observed) -> Iterator[Check]:
    """Compare networks and volumes with the settings and the state."""
    found = {str(entry["Name"]): entry for entry in observed.networks}
    for name, shape in _SHAPES.items():
        promise = f"{shape}, in the promised subnets (CIS 2.2)"
        if name not in found:
            yield judged(name, promise, ["it does not exist"], _MEND)
            continue
        yield judged(name, promise, _shape(promises, name, found[name]), _MEND)
        yield judged(name, "has only the server's containers on it", _members(promises, name, found[name]),
                     "Take the others off it by `docker network disconnect --force`, and find out who put them there.")
    strangers = {str(entry["Name"]) for entry in observed.networks
                 if stack_of(entry) == promises.stack} - set(_SHAPES)
    yield judged("networks", "there is no third one of this stack", [f"there is {name}" for name in sorted(strangers)],
                 "Remove it by `docker network rm`.")
    yield from _volumes(promises, observed)


def _shape(promises: Promises, name: str, entry: Entry) -> Iterator[str]:
    settings = promises.settings
    if name == EDGE:
        is_dual = settings["ipv6"] in {True, "true"}
        wanted = {str(settings["networkSubnet"])} | ({str(settings["networkSubnet6"])} if is_dual else set())
    else:
        made = promises.networks.get(name)
        wanted = {str(part["subnet"]) for part in made.inputs["ipamConfigs"]} if made else set()
    yield from different(wanted, {part["Subnet"] for part in (entry["IPAM"].get("Config") or [])})
    if entry["Driver"] != "bridge" or entry["Scope"] != "local":
        yield f"its driver is {entry['Driver']}"
    if bool(entry["Internal"]) != (name == CONTROL):
        yield "it leads to the internet" if name == CONTROL else "it leads nowhere"
    if entry.get("Attachable") or entry.get("Ingress"):
        yield "others may attach to it"
    if stack_of(entry) != promises.stack:
        yield "it carries another stack's label, or none"


def _members(promises: Promises, name: str, entry: Entry) -> list[str]:
    # What everybody can reach has no place on the management network, whatever the state says.
    never = {"stealth-caddy"} if name == CONTROL else set()
    allowed = {title: made.id for title, made in promises.containers.items() if title not in never
               and name in {place["name"] for place in made.inputs.get("networksAdvanced") or []}}
    return [f"{member['Name']} is on it" for identity, member in (entry.get("Containers") or {}).items()
            if allowed.get(member["Name"]) != identity]


def _volumes(promises: Promises, observed: Observed) -> Iterator[Check]:
    found = {str(entry["Name"]): entry for entry in observed.volumes}
    wanted = DATA_VOLUMES | set(promises.volumes)
    for name in sorted(wanted):
        yield judged(name, "is a plain volume of this stack", _plain(found.get(name), promises.stack), _MEND)
    strangers = {name for name, entry in found.items()
                 if stack_of(entry) == promises.stack} - wanted
    yield judged("volumes", "there is none of this stack beside them", [f"there is {name}" for name in strangers],
                 f"Look what {listed(strangers)} holds, and remove it by `docker volume rm`.")


def _plain(entry: Entry | None, stack: str) -> Iterator[str]:
    if entry is None:
        yield "it does not exist"
        return
    options: Mapping[str, Any] = entry.get("Options") or {}
    if entry["Driver"] != "local" or options:
        yield f"its driver is {entry['Driver']} with options {listed(options)}"
    if stack_of(entry) != stack:
        yield "it carries another stack's label, or none"
