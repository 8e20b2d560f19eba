"""What the engine's machine tells of itself: /proc of every process, and who listens.

Read by one shell script, run there directly or over ssh. It changes nothing, starts no container, and needs nothing
but what Debian and Ubuntu bring. Where it may not look, it says so.
"""

import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from ..docker import Engine, last_line
from ..errors import OperatorError

_PARAMETER = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
# $1 of `section` is the part's name; the mark before it is one that no process could have known.
_SCRIPT = """
LC_ALL=C; export LC_ALL
section() {{ printf '\\n{mark} %s\\n' "$1"; }}
section user; id -u
section namespaces; ls -l /proc/[0-9]*/ns/pid 2>/dev/null
section status; grep -HE '^(Name|Uid|Gid|Cap[A-Z][a-z]+|NoNewPrivs|Seccomp):' /proc/[0-9]*/status 2>/dev/null
section cgroups; grep -H '' /proc/[0-9]*/cgroup 2>/dev/null
section confinement; grep -aH '' /proc/[0-9]*/attr/current 2>/dev/null
section words; grep -azH '' /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null
section listeners; ss -Hlntup 2>/dev/null
for pid in {pids}; do
section mounts; grep -H '' "/proc/$pid/mountinfo" 2>/dev/null
section files; find "/proc/$pid/root/etc/stealth" -type f -printf '%m %U:%G %p\\n' 2>/dev/null
section parameters; nsenter --target "$pid" --net grep -H '' /dev/null {parameters} 2>/dev/null \\
| sed "s|^|$pid |"
done
section end
"""


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process by what the kernel says of it."""

    namespace: str
    """Its PID namespace; empty when this user may not see it."""

    status: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]
    """Its command line (`cmdline`) and environment (`environ`), as far as this user may see them."""

    cgroups: str = ""
    """Paths of its control groups; the engine writes the container's id into them."""

    confinement: str = ""
    """AppArmor's profile and mode."""

    @property
    def title(self) -> str:
        """Its program's name as the kernel has it: a command line may hold anything."""
        return self.status.get("Name", "a process")


@dataclass(frozen=True, kw_only=True)
class Listener:
    """One socket that takes connections or packets on the engine's machine."""

    address: str
    port: str
    transport: str
    holders: tuple[tuple[str, int], ...]
    """Names and numbers of its processes; empty when this user may not see them."""


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """All that the script found."""

    is_root: bool
    processes: Mapping[int, Process]
    listeners: tuple[Listener, ...]
    mounts: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Lines of mountinfo (proc_pid_mountinfo(5)) by container's first process."""

    files: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """`mode owner:group name` of each file below /etc/stealth."""

    parameters: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Kernel parameters of its network namespace."""

    @classmethod
    def of(cls, engine: Engine, pids: Iterable[int], parameters: Iterable[str]) -> Self:
        """Look at the machine, and closer at these processes; raises OperatorError when it cannot be reached."""
        mark = secrets.token_hex(16)
        paths = [f"/proc/sys/{name.replace('.', '/')}" for name in parameters if _PARAMETER.fullmatch(name)]
        done = engine.on_host(_SCRIPT.format(
            mark=mark, pids=" ".join(str(int(pid)) for pid in pids), parameters=" ".join(paths)))
        if f"\n{mark} end\n" not in done.stdout:
            raise OperatorError(
                f"the machine of {engine.host} does not let a shell look at its processes: {last_line(done.stderr)}. "
                "Let this user sign in there by ssh with a key, and run `make verify` again.")
        return cls.parse(done.stdout, mark)

    @classmethod
    def parse(cls, text: str, mark: str) -> Self:
        """Read what the script printed."""
        sections: dict[str, str] = {}
        for part in text.split(f"\n{mark} ")[1:]:
            name, _, rest = part.partition("\n")
            sections[name] = sections.get(name, "") + rest + "\n"
        return cls(
            is_root=sections["user"].strip() == "0", processes=_processes(sections),
            listeners=tuple(listeners(sections["listeners"])),
            mounts=_lines(sections.get("mounts", "")), files=_files(sections.get("files", "")),
            parameters=_parameters(sections.get("parameters", "")))

    def beside(self, pid: int, container: str) -> list[int]:
        """Return the processes of a container by its first process and its id; empty when they cannot be told.

        By the PID namespace, and by control groups: what makes a namespace of its own stays in those.
        """
        namespace = self.processes[pid].namespace if pid in self.processes else ""
        return [other for other, process in self.processes.items()
                if process.namespace == namespace or container in process.cgroups] if namespace else []

    def outside(self, containers: Collection[str]) -> Self:
        """Return the same without the processes of the containers with these ids."""
        return replace(self, processes={
            pid: process for pid, process in self.processes.items()
            if not any(container in process.cgroups for container in containers)})


def _processes(sections: Mapping[str, str]) -> dict[int, Process]:
    spaces = {int(pid): space for pid, space in re.findall(r"/proc/(\d+)/ns/pid -> (\S+)", sections["namespaces"])}
    status: dict[int, dict[str, str]] = {}
    for pid, key, value in re.findall(r"^/proc/(\d+)/status:(\w+):\s*(.*)$", sections["status"], re.MULTILINE):
        status.setdefault(int(pid), {})[key] = value
    words: dict[int, dict[str, list[str]]] = {}
    for record in sections["words"].split("\0"):
        if parts := re.match(r"\n?/proc/(\d+)/(cmdline|environ):", record):
            words.setdefault(int(parts[1]), {}).setdefault(parts[2], []).append(record[parts.end():])
    cgroups, confinement = _lines(sections["cgroups"]), _lines(sections["confinement"])
    return {pid: Process(namespace=spaces.get(pid, ""), status=entry, cgroups="\n".join(cgroups.get(pid, ())),
                         confinement="".join(confinement.get(pid, ())).strip("\0 "),
                         words={kind: tuple(texts) for kind, texts in words.get(pid, {}).items()})
            for pid, entry in status.items()}


def listeners(text: str) -> list[Listener]:
    """Read what `ss -Hlntup` prints."""
    return [_listener(line) for line in text.splitlines() if line.strip()]


def _listener(line: str) -> Listener:
    transport, _, _, _, local, *rest = line.split(maxsplit=6)
    address, _, port = local.rpartition(":")
    holders = re.findall(r'\("([^"]+)",pid=(\d+)', rest[-1] if rest else "")
    # ss writes [::]:80, and 127.0.0.53%lo:53; a star is every address of both families.
    address = address.strip("[]").partition("%")[0].replace("*", "::")
    return Listener(address=address, port=port, transport=transport,
                    holders=tuple(dict.fromkeys((name, int(pid)) for name, pid in holders)))


def _lines(section: str) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = {}
    for pid, text in re.findall(r"^/proc/(\d+)/[a-z/]+:(.*)$", section, re.MULTILINE):
        found.setdefault(int(pid), []).append(text)
    return {pid: tuple(lines) for pid, lines in found.items()}


def _files(section: str) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = {}
    for mode, pid, name in re.findall(r"^(\d+ \d+:\d+) /proc/(\d+)/root(.*)$", section, re.MULTILINE):
        found.setdefault(int(pid), []).append(f"{mode} {name}")
    return {pid: tuple(lines) for pid, lines in found.items()}


def _parameters(section: str) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for pid, path, value in re.findall(r"^(\d+) /proc/sys/(\S+?):(.*)$", section, re.MULTILINE):
        found.setdefault(int(pid), {})[path.replace("/", ".")] = value
    return found
