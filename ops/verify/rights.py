"""What no container may have, as the engine keeps it; whoever made the container.

Each rule returns what is wrong in words that follow the container's name, never a value of its environment.
"""

import os
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from .bindings import bindings
from .checks import Check, judged, listed
from .inspect import PREFIX, Entry, name_of
from .promises import GREATEST_MEMORY, Allowed
from .words import secret_words

_LONG_OPTION = 40
# What every engine masks or makes read-only in a container (moby, oci/defaults.go); newer ones do so with more.
_MASKED = frozenset({"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"})
_READ_ONLY = frozenset({"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"})
_SENSITIVE_SOCKETS = ("docker.sock", "containerd.sock", "podman.sock")
_SHARED = ("shared", "rshared")
_RUNTIMES = ("", "runc", "io.containerd.runc.v2")
_NAMESPACES = ("NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode")


def checks(entry: Entry, allowed: Allowed, remedy: str) -> list[Check]:
    """Judge one container by every rule."""
    return [judged(name_of(entry), promise, rule(entry, allowed), remedy)
            for promise, rule in _RULES if not (allowed.is_writer and rule in _FOR_THOSE_THAT_RUN)]


def of_cgroups(entry: Entry, *, has_namespaces: bool, remedy: str) -> Check:
    """Judge whether it sees other containers' cgroups; engines on cgroups of version 1 let all of them."""
    is_host = has_namespaces and entry["HostConfig"].get("CgroupnsMode") == "host"
    return judged(name_of(entry), "has cgroups of its own, if the engine makes them",
                  ["CgroupnsMode is host"] if is_host else [], remedy,
                  kept="yes" if has_namespaces else "the engine makes none")


def short(capability: str) -> str:
    """Return a capability's name as the table of departures has it."""
    return capability.upper().removeprefix("CAP_")


def _privileged(entry: Entry, _: Allowed) -> Iterator[str]:
    if entry["HostConfig"].get("Privileged"):
        yield "it is privileged, which is root on the host"


def _root(entry: Entry, _: Allowed) -> Iterator[str]:
    if not entry["HostConfig"].get("ReadonlyRootfs"):
        yield "its root file system is writable"


def _dropped(entry: Entry, _: Allowed) -> Iterator[str]:
    if "ALL" not in {short(name) for name in entry["HostConfig"].get("CapDrop") or []}:
        yield "it keeps Docker's default capabilities"


def _added(entry: Entry, allowed: Allowed) -> Iterator[str]:
    extra = {short(name) for name in entry["HostConfig"].get("CapAdd") or []} - allowed.capabilities
    if extra:
        yield f"it has {listed(extra)} beyond {listed(allowed.capabilities)}"


def _new_privileges(entry: Entry, _: Allowed) -> Iterator[str]:
    options = {option.replace(":", "=") for option in entry["HostConfig"].get("SecurityOpt") or []}
    if not {"no-new-privileges", "no-new-privileges=true"} & options or "no-new-privileges=false" in options:
        yield "its programs may gain privileges"


def _confined(entry: Entry, _: Allowed) -> Iterator[str]:
    for option in entry["HostConfig"].get("SecurityOpt") or []:
        # A seccomp list of somebody's own filters too, and may let everything pass.
        if not option.startswith("no-new-privileges"):
            yield f"it runs with {option if len(option) < _LONG_OPTION else option.partition('=')[0] + ' of its own'}"
    if missing := (_MASKED - set(entry["HostConfig"].get("MaskedPaths") or [])) | (
            _READ_ONLY - set(entry["HostConfig"].get("ReadonlyPaths") or [])):
        yield f"{listed(missing)} is open to it"


def _user(entry: Entry, allowed: Allowed) -> Iterator[str]:
    user, _, group = entry["Config"].get("User", "").partition(":")
    if allowed.may_be_root:
        return
    if not user.isdigit() or int(user) == 0:
        yield "it runs as root" if user in {"", "0", "root"} else f"its user {user} is no number"
    elif group in {"", "0", "root"} or {"0", "root"} & set(entry["HostConfig"].get("GroupAdd") or []):
        yield "it has root's group"


def _namespaces(entry: Entry, _: Allowed) -> Iterator[str]:
    for key in _NAMESPACES:
        mode = str(entry["HostConfig"].get(key) or "")
        if mode == "host" or mode.startswith(("container:", "shareable")):
            yield f"{key} is {mode.split(':')[0]}"


def _networks(entry: Entry, _: Allowed) -> Iterator[str]:
    # NetworkMode says nothing here: a container may be taken off the network that it was made with.
    if "bridge" in (entry["NetworkSettings"].get("Networks") or {}):
        yield "it is on Docker's default bridge"


def _ports(entry: Entry, allowed: Allowed) -> Iterator[str]:
    asked, used = bindings(entry["HostConfig"].get("PortBindings")), bindings(entry["NetworkSettings"].get("Ports"))
    if extra := (asked | used) - allowed.ports:
        yield f"it publishes {listed(extra)}"
    if entry["HostConfig"].get("PublishAllPorts"):
        yield "it publishes every port of its image"


def _folders(entry: Entry, allowed: Allowed) -> Iterator[str]:
    for mount in entry["Mounts"]:
        source = os.path.normpath(mount.get("Source") or "/")
        if mount.get("Type") == "bind" and (source not in allowed.host_folders or mount.get("RW")):
            yield f"it mounts the host's {source}{' to write' if mount.get('RW') else ''}"


def _sockets(entry: Entry, _: Allowed) -> Iterator[str]:
    for mount in entry["Mounts"]:
        if str(mount.get("Source", "")).endswith(_SENSITIVE_SOCKETS):
            yield "it may command the container engine"
    if any(variable.startswith("DOCKER_HOST=") for variable in entry["Config"].get("Env") or []):
        yield "its environment names a container engine"


def _volumes(entry: Entry, allowed: Allowed) -> Iterator[str]:
    for mount in entry["Mounts"]:
        name = str(mount.get("Name") or "")
        if (name.startswith(PREFIX) or (allowed.is_promised and mount.get("Type") == "volume")) \
                and not fnmatchcase(name, allowed.volumes.get(mount["Destination"], "")):
            yield f"it mounts the volume {name} at {mount['Destination']}"


def _propagation(entry: Entry, _: Allowed) -> Iterator[str]:
    for mount in entry["Mounts"]:
        if mount.get("Propagation") in _SHARED:
            yield f"its mounts below {mount['Destination']} appear on the host"


def _devices(entry: Entry, allowed: Allowed) -> Iterator[str]:
    host = entry["HostConfig"]
    devices = host.get("Devices") or []
    if extra := {device["PathOnHost"] for device in devices} - allowed.devices:
        yield f"it has {listed(extra)}"
    for device in devices:
        if device.get("PathInContainer") != device["PathOnHost"] or "m" in str(device.get("CgroupPermissions")):
            yield f"it has {device['PathOnHost']} under another name or may make device files"
    if host.get("DeviceRequests") or host.get("DeviceCgroupRules"):
        yield "it asks for further devices by a rule"


def _sysctls(entry: Entry, allowed: Allowed) -> Iterator[str]:
    for name, value in (entry["HostConfig"].get("Sysctls") or {}).items():
        if allowed.sysctls.get(name) != str(value):
            yield f"it sets {name} to {value}"


def _memory(entry: Entry, _: Allowed) -> Iterator[str]:
    host = entry["HostConfig"]
    if not host.get("Memory"):
        yield "it may use all of the host's memory"
    elif host["Memory"] > GREATEST_MEMORY:
        yield f"it may use more than {GREATEST_MEMORY >> 20} MiB"
    elif host.get("OomKillDisable"):
        yield "the kernel may not end it when memory is short"
    elif host.get("MemorySwap") != host["Memory"]:
        yield "it may use swap beyond its memory"


def _temporary(entry: Entry, _: Allowed) -> Iterator[str]:
    for place, options in (entry["HostConfig"].get("Tmpfs") or {}).items():
        if missing := {"noexec", "nosuid", "nodev"} - set(options.split(",")):
            yield f"{place} lacks {listed(missing)}"


def _cpu(entry: Entry, _: Allowed) -> Iterator[str]:
    host = entry["HostConfig"]
    if not (host.get("NanoCpus") or host.get("CpuQuota") or host.get("CpuShares")):
        yield "it may use every core"


def _ulimits(entry: Entry, _: Allowed) -> Iterator[str]:
    limits = {limit["Name"]: limit["Hard"] for limit in entry["HostConfig"].get("Ulimits") or []}
    if missing := {name for name in ("nofile", "nproc") if limits.get(name, -1) <= 0}:
        yield f"it has no limit of {listed(missing)}"


def _healthcheck(entry: Entry, _: Allowed) -> Iterator[str]:
    if (((entry["Config"].get("Healthcheck") or {}).get("Test")) or ["NONE"])[0] == "NONE":
        yield "nobody checks its health"


def _logs(entry: Entry, _: Allowed) -> Iterator[str]:
    log = entry["HostConfig"].get("LogConfig") or {}
    options = log.get("Config") or {}
    if log.get("Type") not in {"json-file", "local"} or not {"max-size", "max-file"} <= set(options):
        yield f"its log ({log.get('Type')}) has no greatest size"


def _plain(entry: Entry, _: Allowed) -> Iterator[str]:
    host, config = entry["HostConfig"], entry["Config"]
    if host.get("Runtime", "") not in _RUNTIMES:
        yield f"its runtime is {host['Runtime']}"
    if host.get("CgroupParent"):
        yield "it has a cgroup parent of its own"
    if config.get("Tty") or config.get("OpenStdin"):
        yield "it waits for a terminal"


def _secrets(entry: Entry, _: Allowed) -> Iterator[str]:
    yield from secret_words(entry["Config"])


_RULES: tuple[tuple[str, Callable[[Entry, Allowed], Iterator[str]]], ...] = (
    ("is not privileged (CIS 5.5)", _privileged),
    ("has a read-only root file system (CIS 5.13)", _root),
    ("drops all capabilities (CIS 5.4)", _dropped),
    ("has no capability beyond the table's (CIS 5.4)", _added),
    ("cannot gain privileges (CIS 5.26)", _new_privileges),
    ("is confined (CIS 5.2, 5.22)", _confined),
    ("runs as a numeric user who is not root (CIS 4.1)", _user),
    ("shares no namespace (CIS 5.10, 5.16, 5.17, 5.31)", _namespaces),
    ("is not on the default bridge (CIS 5.30)", _networks),
    ("publishes only the server's ports (CIS 5.8, 5.9)", _ports),
    ("mounts no folder of the host (CIS 5.6)", _folders),
    ("cannot reach the engine's socket (CIS 5.32)", _sockets),
    ("mounts its own volumes, each at its place", _volumes),
    ("keeps its mounts to itself (CIS 5.20)", _propagation),
    ("has no device beyond the table's (CIS 5.18)", _devices),
    ("sets no kernel parameter beyond the promised", _sysctls),
    ("runs no program from a temporary file system", _temporary),
    ("has a memory limit (CIS 5.11)", _memory),
    ("has a CPU limit (CIS 5.12)", _cpu),
    ("has limits of files and processes (CIS 5.19, 5.29)", _ulimits),
    ("is asked for its health (CIS 5.27)", _healthcheck),
    ("has a log of bounded size", _logs),
    ("has the engine's own runtime and no terminal (CIS 5.25)", _plain),
    ("shows no secret in its environment, labels or commands (CIS 4.10)", _secrets),
)
# A writer never starts, so nothing of it could use these; and it takes files, which a read-only root refuses.
_FOR_THOSE_THAT_RUN = {_root, _memory, _cpu, _ulimits, _healthcheck, _logs}
