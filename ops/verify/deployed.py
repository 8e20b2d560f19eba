"""Whether each container is the one that the deploy made, and still as it made it."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .bindings import bindings
from .checks import Check, different, judged, listed
from .inspect import Entry, is_running, name_of
from .promises import Promises
from .rights import short
from .state import Resource

_UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_MIB = 1 << 20
# The engine puts these into every container by itself.
_OWN_LABEL = "com.docker."


def checks(promises: Promises, entry: Entry, image: Entry | None, remedy: str) -> Iterator[Check]:
    """Compare a container that was promised with what the state tells of it."""
    name = name_of(entry)
    made = promises.containers[name]
    is_writer = promises.allowed(name).is_writer
    yield judged(name, "is the very container that the deploy made",
                 [] if entry["Id"] == made.id else ["it was made by somebody else"], remedy)
    yield judged(name, *_running(promises, name, entry), remedy)
    for promise, compare in _OF_ALL + (() if is_writer else _OF_SERVICES):
        yield judged(name, promise, compare(made.inputs, entry), remedy)
    if not is_writer:
        yield judged(name, "publishes exactly the promised ports", _published(promises, name, entry), remedy)
    yield judged(name, "runs the image that the deploy built (CIS 4.5)", _image(promises, name, made, entry), remedy)
    yield judged(name, "has the promised command and environment", _words(made.inputs, entry, image), remedy)


def _running(promises: Promises, name: str, entry: Entry) -> tuple[str, list[str]]:
    if promises.allowed(name).is_writer:
        return _never_started(entry)
    if promises.is_stopped(name):
        return "is stopped, as the configuration says", ["it runs"] if is_running(entry) else []
    return _healthy(entry)


def _never_started(entry: Entry) -> tuple[str, list[str]]:
    state = entry["State"]
    began = state["Status"] != "created" or not str(state.get("StartedAt", "0001")).startswith("0001")
    return "was never started", ["it was started, and has read the files that it carried"] if began else []


def _healthy(entry: Entry) -> tuple[str, list[str]]:
    health = (entry["State"].get("Health") or {}).get("Status", "not checked")
    is_well = entry["State"]["Status"] == "running" and health == "healthy"
    return "runs and is healthy", [] if is_well else [f"it is {entry['State']['Status']} and {health}"]


def _published(promises: Promises, name: str, entry: Entry) -> list[str]:
    wanted = promises.allowed(name).ports
    # A container that does not run has no port open yet.
    now = frozenset[str]() if promises.is_stopped(name) else wanted
    return [*different(wanted, bindings(entry["HostConfig"].get("PortBindings"))),
            *different(now, bindings(entry["NetworkSettings"].get("Ports")))]


def _image(promises: Promises, name: str, made: Resource, entry: Entry) -> list[str]:
    # A writer keeps the image that it was made of; any that the deploy once built has written the same files.
    built = f"stealth-vpn/{name.removeprefix('stealth-')}:local"
    wanted = made.inputs["image"] if promises.allowed(name).is_writer else promises.images.get(built)
    return [] if entry["Image"] == wanted else ["it runs another image"]


def _words(inputs: Mapping[str, Any], entry: Entry, image: Entry | None) -> Iterator[str]:
    if image is None:
        # A writer's may be gone since; that of a service is missed by its own check.
        return
    config, default = entry["Config"], image.get("Config") or {}
    if (inputs.get("command") or default.get("Cmd") or []) != (config.get("Cmd") or []):
        yield "its command is another"
    if (inputs.get("entrypoints") or default.get("Entrypoint") or []) != (config.get("Entrypoint") or []):
        yield "its entry point is another"
    wanted = {**_pairs(default.get("Env")), **_pairs(inputs.get("envs"))}
    found = _pairs(config.get("Env"))
    if names := {name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)}:
        yield f"its environment differs in {listed(names)}"
    labels = {label["label"]: label["value"] for label in inputs.get("labels") or []}
    found_labels = {**(config.get("Labels") or {})}
    for name, value in (default.get("Labels") or {}).items():
        if name not in labels and found_labels.get(name) == value:
            del found_labels[name]
    if names := {name for name in labels.keys() | found_labels.keys()
                 if labels.get(name) != found_labels.get(name) and not name.startswith(_OWN_LABEL)}:
        yield f"its labels differ in {listed(names)}"


def _pairs(variables: list[str] | None) -> dict[str, str]:
    return {name: value for name, _, value in (variable.partition("=") for variable in variables or [])}


def _user(inputs: Mapping[str, Any], entry: Entry) -> list[str]:
    return [*different(inputs.get("user") or "", entry["Config"].get("User") or ""),
            *different(set(inputs.get("groupAdds") or []), set(entry["HostConfig"].get("GroupAdd") or []))]


def _capabilities(inputs: Mapping[str, Any], entry: Entry) -> list[str]:
    wanted = {short(name) for name in (inputs.get("capabilities") or {}).get("adds") or []}
    return different(wanted, {short(name) for name in entry["HostConfig"].get("CapAdd") or []})


def _mounts(inputs: Mapping[str, Any], entry: Entry) -> list[str]:
    wanted = {f"{mount['source']} at {mount['target']}{' to read' if mount.get('readOnly') else ''}"
              for mount in inputs.get("mounts") or []}
    found = {f"{mount.get('Name') or os.path.normpath(mount['Source'])} at {mount['Destination']}"
             f"{'' if mount.get('RW') else ' to read'}" for mount in entry["Mounts"] if mount["Type"] != "tmpfs"}
    return _sets(wanted, found)


def _networks(inputs: Mapping[str, Any], entry: Entry) -> list[str]:
    wanted = {_place(place["name"], place.get("ipv4Address"), place.get("ipv6Address"))
              for place in inputs.get("networksAdvanced") or []}
    found = {_place(name, (place.get("IPAMConfig") or {}).get("IPv4Address"),
                    (place.get("IPAMConfig") or {}).get("IPv6Address"))
             for name, place in (entry["NetworkSettings"].get("Networks") or {}).items() if name != "none"}
    if entry["State"]["Status"] == "created":
        # Before its first start not every engine tells all of a container's networks.
        wanted &= found
    return _sets(wanted, found)


def _place(network: str, address: str | None, address6: str | None) -> str:
    return " ".join(filter(None, (network, address, address6)))


def _sets(wanted: set[str], found: set[str]) -> list[str]:
    return [*(f"{item} is missing" for item in sorted(wanted - found)),
            *(f"{item} was added" for item in sorted(found - wanted))]


def _limits(inputs: Mapping[str, Any], entry: Entry) -> Iterator[str]:
    host = entry["HostConfig"]
    for title, wanted, found in (
            ("memory", inputs["memory"] * _MIB, host.get("Memory")),
            ("memory with swap", inputs["memorySwap"] * _MIB, host.get("MemorySwap")),
            ("reserved memory", inputs["memoryReservation"] * _MIB, host.get("MemoryReservation")),
            ("CPU", round(float(inputs["cpus"]) * 10**9), host.get("NanoCpus")),
            ("CPU shares", inputs["cpuShares"], host.get("CpuShares"))):
        yield from (f"{title}: {fault}" for fault in different(wanted, found))
    wanted_limits = {limit["name"]: (limit["soft"], limit["hard"]) for limit in inputs.get("ulimits") or []}
    found_limits = {limit["Name"]: (limit["Soft"], limit["Hard"]) for limit in host.get("Ulimits") or []}
    yield from different(wanted_limits, found_limits)


def _health(inputs: Mapping[str, Any], entry: Entry) -> Iterator[str]:
    wanted, found = inputs["healthcheck"], entry["Config"].get("Healthcheck") or {}
    if list(wanted["tests"]) != found.get("Test"):
        yield "the command is another"
    for title, key, shown in (("interval", "interval", "Interval"), ("timeout", "timeout", "Timeout"),
                              ("start period", "startPeriod", "StartPeriod"),
                              ("start interval", "startInterval", "StartInterval")):
        yield from (f"{title}: {fault}" for fault in different(nanoseconds(wanted[key]), found.get(shown, 0)))
    yield from (f"retries: {fault}" for fault in different(wanted["retries"], found.get("Retries", 0)))


def nanoseconds(duration: str) -> int:
    """Return a duration of Go's form, such as 1m30s, as the engine keeps it."""
    return round(sum(float(number) * _UNITS[unit]
                     for number, unit in re.findall(r"([\d.]+)(ns|us|ms|s|m|h)", duration)))


def _restart(inputs: Mapping[str, Any], entry: Entry) -> list[str]:
    # A constant, for a refresh writes what it finds into the state; but what is stopped shall not come back.
    wanted = "no" if inputs.get("mustRun") is False else "always"
    return different(wanted, (entry["HostConfig"].get("RestartPolicy") or {}).get("Name"))


def _log(inputs: Mapping[str, Any], entry: Entry) -> list[str]:
    log = entry["HostConfig"].get("LogConfig") or {}
    return [*different(inputs["logDriver"], log.get("Type")), *different(inputs["logOpts"], log.get("Config"))]


def _temporary(inputs: Mapping[str, Any], entry: Entry) -> list[str]:
    return different(inputs.get("tmpfs") or {}, entry["HostConfig"].get("Tmpfs") or {})


def _parameters(inputs: Mapping[str, Any], entry: Entry) -> list[str]:
    return different(inputs.get("sysctls") or {}, entry["HostConfig"].get("Sysctls") or {})


_Comparison = Callable[[Mapping[str, Any], Entry], "Iterator[str] | list[str]"]
_OF_ALL: tuple[tuple[str, _Comparison], ...] = (
    ("runs as the promised user and groups", _user),
    ("has the promised capabilities", _capabilities),
    ("mounts what was promised, as promised", _mounts),
    ("is on the promised networks with its addresses", _networks),
)
_OF_SERVICES: tuple[tuple[str, _Comparison], ...] = (
    ("has the promised limits (CIS 5.11, 5.12, 5.19)", _limits),
    ("has the promised health check", _health),
    ("restarts always, unless stopped by `ops stop` (CIS 5.15)", _restart),
    ("has the promised log settings", _log),
    ("has the promised temporary file systems", _temporary),
    ("has the promised kernel parameters", _parameters),
)
