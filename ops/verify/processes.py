"""What the kernel says of each container's processes: privileges, capabilities, filters, users, mounts and files."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .checks import Check, judged, unchecked
from .host import HostFacts, Process
from .inspect import Entry, name_of
from .promises import RENDERED, Allowed, Promises

# Bits of the kernel's sets (include/uapi/linux/capability.h); further ones are shown by their number.
_BITS = {"NET_ADMIN": 12, "SYS_MODULE": 16}
_NAMES = {bit: name for name, bit in _BITS.items()}
_MOST_NAMED = 4
_SETS = {"CapInh": "inherits", "CapPrm": "may use", "CapEff": "uses", "CapBnd": "may gain", "CapAmb": "passes on"}
_FILTERED = "2"  # SECCOMP_MODE_FILTER
_PROFILE = "docker-default (enforce)"
_NEEDED = {"Uid", "Gid", "NoNewPrivs", "Seccomp", *_SETS}
_HARDENED = ("noexec", "nosuid", "nodev")
# What the engine itself mounts into each container, beside what it was asked for.
_OWN = re.compile(r"/(proc|sys|dev)(/.*)?|/etc/(resolv\.conf|hostname|hosts)")
_AS_ROOT = "Run it as root on the engine's machine, or as a user of sudo who needs no password for it."


def checks(entry: Entry, allowed: Allowed, promises: Promises, facts: HostFacts, *, has_apparmor: bool,
           remedy: str) -> Iterator[Check]:
    """Judge the processes of one running container."""
    name, pid = name_of(entry), int(entry["State"]["Pid"])
    if fault := _hidden(entry, facts, pid):
        yield unchecked(name, "its processes keep their promises", fault, _AS_ROOT)
        return
    # With the PID namespace of others, all of theirs would be taken for this container's.
    pids = [pid] if entry["HostConfig"].get("PidMode") else facts.beside(pid, str(entry["Id"]))
    processes = [facts.processes[other] for other in pids if other in facts.processes]
    for promise, rule in _RULES:
        yield judged(name, promise, _each(processes, rule, allowed), remedy, kept=f"yes, {len(processes)} of them")
    yield judged(name, "every process is confined by AppArmor, if the engine has it (CIS 5.2)",
                 _each(processes, _apparmor, allowed) if has_apparmor else [], remedy,
                 kept=f"yes, {len(processes)} of them" if has_apparmor else "the engine has none")
    if not allowed.is_promised:
        return
    made = promises.containers[name].inputs
    yield judged(name, "has the promised mounts, with their flags", _mounts(made, facts.mounts.get(pid, ())), remedy)
    yield judged(name, "its delivered files are for its user only", _files(promises, name, facts.files.get(pid, ())),
                 remedy)
    if allowed.sysctls:
        yield judged(name, "its kernel parameters are in force", _parameters(allowed, facts.parameters.get(pid, {})),
                     remedy)


def _hidden(entry: Entry, facts: HostFacts, pid: int) -> str:
    """Return why the processes cannot be seen; empty if they can."""
    if not facts.is_root:
        return "this user may not see all of /proc"
    if not any(f"/{entry['Id']}/" in line for line in facts.mounts.get(pid, ())):
        return "the engine's processes are not those of this machine"
    found = [facts.processes[other] for other in facts.beside(pid, str(entry["Id"]))]
    if pid not in facts.processes or not found:
        return "its processes cannot be told from others"
    incomplete = sorted(process.title for process in found if not process.status.keys() >= _NEEDED)
    return f"the kernel tells too little of {', '.join(incomplete)}" if incomplete else ""


def _each(processes: Iterable[Process], rule: "_Rule", allowed: Allowed) -> Iterator[str]:
    for process in processes:
        for fault in rule(process, allowed):
            yield f"{process.title} {fault}"


def _new_privileges(process: Process, _: Allowed) -> Iterator[str]:
    if process.status.get("NoNewPrivs") != "1":
        yield "may gain privileges"


def _capabilities(process: Process, allowed: Allowed) -> Iterator[str]:
    mask = sum(1 << _BITS[name] for name in allowed.capabilities)
    for key, verb in _SETS.items():
        if extra := int(process.status.get(key, "0"), 16) & ~mask:
            yield f"{verb} {_named(extra)}"


def _named(mask: int) -> str:
    bits = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
    if len(bits) > _MOST_NAMED:
        return f"{len(bits)} capabilities"
    return ", ".join(_NAMES.get(bit, f"capability {bit}") for bit in bits)


def _seccomp(process: Process, _: Allowed) -> Iterator[str]:
    if process.status.get("Seccomp") != _FILTERED:
        yield "calls the kernel unfiltered"


def _user(process: Process, allowed: Allowed) -> Iterator[str]:
    if allowed.may_be_root:
        return
    if "0" in process.status["Uid"].split():
        yield "runs as root"
    if "0" in process.status["Gid"].split():
        yield "runs with root's group"


_Rule = Callable[[Process, Allowed], Iterator[str]]
_RULES: tuple[tuple[str, _Rule], ...] = (
    ("no process can gain privileges (CIS 5.26)", _new_privileges),
    ("no process has a capability beyond the table's (CIS 5.4)", _capabilities),
    ("every process is filtered by seccomp (CIS 5.22)", _seccomp),
    ("no process is root, or only where the table says so (CIS 4.1)", _user),
)


def _apparmor(process: Process, _: Allowed) -> Iterator[str]:
    if process.confinement != _PROFILE:
        yield f"has the profile {process.confinement or 'none'}"


def _mounts(inputs: Mapping[str, Any], lines: Iterable[str]) -> Iterator[str]:
    asked = {mount["target"]: bool(mount.get("readOnly")) for mount in inputs.get("mounts") or []}
    temporary = set(inputs.get("tmpfs") or {})
    seen = set()
    for line in lines:
        # proc_pid_mountinfo(5): root, mount point, options ...
        place, options = line.split()[4], set(line.split()[5].split(","))
        seen.add(place)
        if (place == "/" or asked.get(place)) and "ro" not in options:
            yield f"{place} is writable"
        elif place in temporary and (missing := set(_HARDENED) - options):
            yield f"{place} lacks {', '.join(sorted(missing))}"
        elif place not in {"/", *asked, *temporary} and not _OWN.fullmatch(place):
            yield f"{place} was mounted beside them"
    if missing := (set(asked) | temporary) - seen:
        yield f"{', '.join(sorted(missing))} is not mounted"


def _files(promises: Promises, name: str, found: Iterable[str]) -> Iterator[str]:
    writer = promises.containers.get(f"{name}-writer")
    uploads = writer.inputs.get("uploads") or [] if writer else []
    wanted = {upload["file"]: f"{int(upload['permissions'], 8):o} {upload['owner']}:{upload['group']}"
              for upload in uploads if str(upload["file"]).startswith(RENDERED)}
    there = {line.split(" ", 2)[2]: " ".join(line.split(" ", 2)[:2]) for line in found}
    for file in sorted(wanted.keys() | there.keys()):
        if file not in wanted and there[file] in wanted.values():
            # Left by a former configuration, for nobody else to read: a volume keeps what is not written anew.
            continue
        if wanted.get(file) != there.get(file):
            yield f"{file} is {there.get(file, 'missing')} instead of {wanted.get(file, 'none')}"


def _parameters(allowed: Allowed, found: Mapping[str, str]) -> Iterator[str]:
    for name, value in allowed.sysctls.items():
        if found.get(name) != value:
            yield f"{name} is {found.get(name, 'not readable')} instead of {value}"
