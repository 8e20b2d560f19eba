"""One finding, in words that an operator knows; and what may be shown of a resource's values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..events import Step
from ..verify.state import CONTAINER, IMAGE, NETWORK, RANDOM_PASSWORD, VOLUME

PREFIX = "stealth-"
_KINDS = {CONTAINER: "container", NETWORK: "network", VOLUME: "volume", IMAGE: "image", RANDOM_PASSWORD: "secret"}
# Words for the inputs whose values may be shown: none of them can hold a secret, and a refresh finds no others with our
# own provider (toolchain/providers, docker_container_read.go). Of all others only the name is told.
_WORDS = {
    "mustRun": "runs", "restart": "restart policy", "maxRetryCount": "restarts at most", "name": "name",
    "networksAdvanced": "networks", "cpus": "CPU cores", "cpuShares": "CPU shares", "memory": "memory (MiB)",
    "memorySwap": "memory with swap (MiB)", "memoryReservation": "reserved memory (MiB)",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is not as it was deployed. No field ever holds a value that could be secret."""

    subject: str
    """What it is about, such as service xray, network stealth-vpn or volume stealth-admin-data."""

    property: str
    """What of it, such as restart policy."""

    deployed: str
    now: str
    remedy: str
    """What to do about it."""


def kind_of(resource_type: str) -> str:
    """Return an operator's word for a type of resource."""
    return _KINDS.get(resource_type, resource_type.rpartition(":")[2].lower())


def title(kind: str, name: str) -> str:
    """Return what a resource is called: a service by its own name, all else by the engine's."""
    if kind == "container" and name.startswith(PREFIX) and not name.endswith("-writer"):
        return f"service {name.removeprefix(PREFIX)}"
    return f"{kind} {name}"


def name_of(step: Step) -> str:
    """Return what the engine knows a resource by; of one that was renamed the name that it was deployed with."""
    inputs = step.old or step.new
    return str(inputs.get("name") or inputs.get("imageName") or step.name)


def word(key: str) -> str:
    """Return an operator's words for an input of a resource: those of the table, or its own name taken apart."""
    return _WORDS.get(key) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key).lower()


def shown(key: str, inputs: Mapping[str, Any]) -> str | None:
    """Return the value of an input; None where it is not to be shown."""
    if key not in _WORDS:
        return None
    value = inputs.get(key)
    if key == "networksAdvanced":
        return ", ".join(sorted(map(_place, value or []))) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in {None, ""} else f"{value:g}" if isinstance(value, float) else str(value)


def _place(place: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (str(place["name"]), place.get("ipv4Address"), place.get("ipv6Address"))))
