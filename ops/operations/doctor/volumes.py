"""Checks of the volumes: files that their service cannot read or write, lost ones, and others who use them."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ...docker import STACK_LABEL
from .facts import File
from .findings import Case, Finding

_READ, _WRITE, _ENTER = 4, 2, 1
# Where the bits of each stand in a mode.
_OWNER, _GROUP, _OTHERS = 6, 3, 0


def check(case: Case) -> Iterator[Finding]:
    """Look at what each service has mounted."""
    for service, entry in sorted(case.entries.items()):
        mounts = [mount for mount in entry.get("Mounts") or [] if mount["Type"] == "volume"]
        # Only root sees into the engine's folder.
        if case.facts and case.facts.is_root:
            for mount in mounts:
                yield from _of_files(case, service, entry, mount, case.facts.files)
    yield from _of_others(case)


def _of_files(case: Case, service: str, entry: Mapping[str, Any], mount: Mapping[str, Any],
              files: Mapping[str, File]) -> Iterator[Finding]:
    source, name = str(mount["Source"]), str(mount["Name"])
    if source not in files:
        yield Finding(check="volumes", name="volume-lost", subject=service, fix="ops restore latest --replace",
                      fault=f"The folder of the volume {name}, which {service} has at {mount['Destination']}, is gone.")
        return
    user, groups = _identity(entry)
    wrong = [file for path, file in files.items() if path == source or path.startswith(f"{source}/")
             if not _may(file, user, groups, writes=bool(mount["RW"]))]
    if not wrong:
        return
    file = wrong[0]
    place = str(mount["Destination"]) + file.path.removeprefix(source)
    # The first of the groups is that of the user (docker run --user).
    command = " && ".join(_commands(wrong, user, next(iter(groups)), source, writes=bool(mount["RW"])))
    yield Finding(
        check="volumes", name="volume-permissions", subject=service,
        fault=f"{service} may not {'write' if mount['RW'] else 'read'} {place} in its volume {name}: it belongs to "
              f"{file.user}:{file.group} with mode {file.mode:o}, and {service} is {user}"
              f"{f'; {len(wrong) - 1} more are like it' if len(wrong) > 1 else ''}.",
        fix=f"sudo sh -c {shlex.quote(command)}",
        repair=case.on_host(f"gives the files of the volume {name} back to {service}", command))


def _commands(wrong: list[File], user: int, group: int, source: str, *, writes: bool) -> Iterator[str]:
    if any(file.user != user for file in wrong):
        yield f"chown -R {user}:{group} {shlex.quote(source)}"
    if any(not _allows(file, _OWNER, writes=writes) for file in wrong):
        yield f"chmod -R u+r{'w' if writes else ''}X {shlex.quote(source)}"


def _identity(entry: Mapping[str, Any]) -> tuple[int, dict[int, None]]:
    user, _, group = str(entry["Config"].get("User") or "0:0").partition(":")
    more = entry["HostConfig"].get("GroupAdd") or []
    return int(user), dict.fromkeys([int(group or user), *(int(name) for name in more if str(name).isdigit())])


def _may(file: File, user: int, groups: Mapping[int, None], *, writes: bool) -> bool:
    # No service has CAP_DAC_OVERRIDE, so that root is a user like any other.
    return _allows(file, _OWNER if file.user == user else _GROUP if file.group in groups else _OTHERS, writes=writes)


def _allows(file: File, shift: int, *, writes: bool) -> bool:
    # A file of its own that nobody may write is one that the service replaces as a whole.
    must_write = writes and (file.is_folder or shift != _OWNER)
    wanted = _READ | (_ENTER if file.is_folder else 0) | (_WRITE if must_write else 0)
    return (file.mode >> shift) & wanted == wanted


def _of_others(case: Case) -> Iterator[Finding]:
    """Look for containers of somebody else's that have one of our volumes."""
    ours = {str(mount["Name"]) for entry in case.entries.values() for mount in entry.get("Mounts") or []
            if mount["Type"] == "volume"}
    for entry in all_containers(case):
        labels = entry["Config"].get("Labels") or {}
        shared = sorted({str(mount.get("Name")) for mount in entry.get("Mounts") or []} & ours)
        if shared and labels.get(STACK_LABEL) != case.target.stack and not is_probe(entry):
            name = str(entry["Name"]).removeprefix("/")
            yield Finding(check="volumes", name="volume-shared", fix=f"docker rm --force {name}",
                          fault=f"The container {name}, which this stack did not make, has {', '.join(shared)} too.")


def is_probe(entry: Mapping[str, Any]) -> bool:
    """Tell whether a container is the plain Caddy of `ops probe`."""
    return "org.stealth-vpn.probe" in (entry["Config"].get("Labels") or {})


def all_containers(case: Case) -> list[dict[str, Any]]:
    """Return what the engine knows of every container on it."""
    ids = case.engine.ask("ps", "--all", "--quiet", "--no-trunc").stdout.split()
    if not ids:
        return []
    found: list[dict[str, Any]] = json.loads(case.engine.ask("container", "inspect", *ids).stdout or "[]")
    return found
