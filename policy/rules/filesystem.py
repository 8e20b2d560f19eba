"""What a container can write: its root, its mounts, its scratch space."""

import re

from policy.allowlists import GREATEST_SCRATCH_MB, SCRATCH, WRITABLE
from policy.containers import is_job, mounts
from policy.making import HIGH, MEDIUM, About, Faults, on_each
from policy.resources import CONTAINER, Resource

_WANTED = {"noexec", "nosuid", "nodev"}
_UNWANTED = {"exec", "suid", "dev"}
_MODE = re.compile(r"mode=[01]?[0-7]{3}")
_SIZE = re.compile(r"size=(\d+)([kmg]?)")
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@on_each(About(
    name="docker-container-enable-read-only-rootfs",
    description="A container can write its own data and nothing else.",
    remedy="Set readOnly, and mount read-only what policy/allowlists.py does not name as the service's own data.",
    severity=HIGH, reference="5.13"), CONTAINER)
def read_only_rootfs(container: Resource) -> Faults:
    if not container.flag("readOnly") and not is_job(container):
        yield "it can write its root file system, and so its own programs"
    for mount in mounts(container):
        if not mount.is_read_only and mount.target not in WRITABLE.get(container.service, frozenset()):
            yield f"it can write what is mounted at {mount.target}"


@on_each(About(
    name="docker-container-configure-tmpfs",
    description="A service has scratch space at /tmp and /run, small and without programs or devices.",
    remedy=f"Give tmpfs the options rw,noexec,nosuid,nodev,size=16m, at most {GREATEST_SCRATCH_MB}m, at /tmp and /run.",
    severity=MEDIUM, reference="5.13"), CONTAINER)
def scratch_space(container: Resource) -> Faults:
    if is_job(container):
        return
    given = container.table("tmpfs")
    for missing in sorted(SCRATCH - given.keys()):
        yield f"it has no tmpfs at {missing}"
    for place, options in given.items():
        if place not in SCRATCH:
            yield f"it has a tmpfs at {place}, over what it should read or keep there"
        words = options.split(",")
        # In Docker a later `exec` takes back the `noexec` that it sets by default.
        if not set(words) >= _WANTED or set(words) & _UNWANTED:
            yield f"its tmpfs at {place} may hold programs, setuid files or devices"
        for word in words:
            # A second `size=50%` or `nr_blocks=0` takes the first size back.
            if not _is_known(word):
                yield f"its tmpfs at {place} has the option {word or 'without a name'}, which may take another back"
        if not _is_small(words):
            yield f"its tmpfs at {place} has no size of at most {GREATEST_SCRATCH_MB}m"
    for mount in mounts(container):
        if mount.kind == "tmpfs":
            yield f"it has a mount of the type tmpfs at {mount.target}, whose options nobody can set"


def _is_known(option: str) -> bool:
    return option in {"rw"} | _WANTED | _UNWANTED or bool(_SIZE.fullmatch(option) or _MODE.fullmatch(option))


def _is_small(options: list[str]) -> bool:
    sizes = [match for option in options if (match := _SIZE.fullmatch(option))]
    return len(sizes) == 1 and 0 < int(sizes[0][1]) * _BYTES[sizes[0][2]] <= GREATEST_SCRATCH_MB << 20
