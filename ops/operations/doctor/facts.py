"""What the engine's machine tells of itself: clock, memory, disk, devices, sockets, links, firewall, files of volumes.

Read by one shell script, run there directly or over ssh. It changes nothing and needs nothing but what Debian and
Ubuntu bring; what a machine lacks (systemd, iptables, nft) leaves its part empty.
"""

import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ...docker import Engine, last_line
from ...errors import OperatorError
from ...verify.host import Listener, listeners

_PARAMETERS = ("net/ipv4/ip_forward", "net/netfilter/nf_conntrack_count", "net/netfilter/nf_conntrack_max",
               "fs/file-nr", "kernel/pid_max")
# Of each volume no more files than this: the panel's and Caddy's hold some dozens.
_MOST_FILES = 2000
_SCRIPT = """
LC_ALL=C; PATH="$PATH:/usr/sbin:/sbin"; export LC_ALL PATH
section() {{ printf '\\n{mark} %s\\n' "$1"; }}
section user; id -u
section clock; date +%s
section synchronised; timedatectl show --property NTPSynchronized --value 2>/dev/null
section enabled; [ ! -d /run/systemd/system ] || systemctl is-enabled docker 2>/dev/null
section memory; cat /proc/meminfo
section disk; df -Pk {root} 2>/dev/null
section inodes; df -Pi {root} 2>/dev/null
section filesystems; cat /proc/mounts
section tun; stat -c '%t:%T' /dev/net/tun 2>/dev/null
section parameters; (cd /proc/sys && grep -H '' {parameters} 2>/dev/null)
section listeners; ss -Hlntup 2>/dev/null
section programs; ss -Hlntup 2>/dev/null | grep -o 'pid=[0-9]*' | sort -u | while IFS='=' read -r _ pid; do
printf '%s %s\\n' "$pid" "$(readlink "/proc/$pid/exe")"; done
section links; for link in /sys/class/net/*; do
printf '%s %s %s\\n' "${{link##*/}}" "$(cat "$link/mtu" 2>/dev/null)" "$(cat "$link/flags" 2>/dev/null)"; done
section routes; ip -4 route show 2>/dev/null
section routes6; ip -6 route show default 2>/dev/null
section firewall; iptables-save 2>/dev/null
section nftables; nft list ruleset 2>/dev/null
section uptime; cat /proc/uptime
section kills; dmesg 2>/dev/null | grep -F 'oom-kill:' | tail -n 50
section files; for volume in {volumes}; do
find "$volume" -xdev -printf '%U %G %m %y %p\\n' 2>/dev/null | head -n {most}; done
section end
"""


@dataclass(frozen=True, kw_only=True)
class Kill:
    """A process that the kernel ended for want of memory."""

    age_seconds: float
    container: str
    """Id of its container; empty when it was in none."""

    is_limit: bool
    """Whether its group's limit was reached, and not the machine's memory used up."""

    program: str


@dataclass(frozen=True, kw_only=True)
class File:
    """A file or folder of a volume."""

    user: int
    group: int
    mode: int
    is_folder: bool
    path: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that the script found, by the names of its parts."""

    parts: Mapping[str, str]

    @classmethod
    def of(cls, engine: Engine, root: str, volumes: Sequence[str]) -> Self:
        """Look at the machine; raises OperatorError when it cannot be reached."""
        mark = secrets.token_hex(16)
        done = engine.on_host(_SCRIPT.format(
            mark=mark, root=shlex.quote(root), parameters=" ".join(_PARAMETERS), most=_MOST_FILES,
            volumes=" ".join(map(shlex.quote, dict.fromkeys(volumes))) or "''"))
        if f"\n{mark} end\n" not in done.stdout:
            raise OperatorError(f"the machine of {engine.host} lets nobody look at it: {last_line(done.stderr)}. "
                                "Let this user sign in there by ssh with a key.")
        return cls.parse(done.stdout, mark)

    @classmethod
    def parse(cls, text: str, mark: str) -> Self:
        """Read what the script printed."""
        found = (part.partition("\n") for part in text.split(f"\n{mark} ")[1:])
        return cls(parts={name: rest.strip("\n") for name, _, rest in found})

    def text(self, part: str) -> str:
        """Return a part as it was printed; empty if the machine has no such thing."""
        return self.parts.get(part, "")

    @property
    def is_root(self) -> bool:
        """Whether it was looked at with root's rights."""
        return self.text("user") == "0"

    @property
    def memory_bytes(self) -> dict[str, int]:
        """/proc/meminfo (proc(5)) by name."""
        return {name: int(size) << 10 for name, size in
                re.findall(r"^(\w+):\s+(\d+) kB$", self.text("memory"), re.MULTILINE)}

    def left(self, part: str) -> tuple[int, int, str]:
        """Return what `df -P` tells in `disk` (KiB) or `inodes`: free ones, all of them, and where it is mounted."""
        found = re.search(r"^.*\s(\d+)\s+\d+\s+(\d+)\s+\S+\s+(/.*)$", self.text(part), re.MULTILINE)
        return (int(found[2]), int(found[1]), found[3]) if found else (0, 0, "")

    @property
    def parameters(self) -> dict[str, str]:
        """Kernel parameters by their path below /proc/sys."""
        return dict(line.split(":", 1) for line in self.text("parameters").splitlines() if ":" in line)

    @property
    def listeners(self) -> list[Listener]:
        """Who takes connections or packets."""
        return listeners(self.text("listeners"))

    @property
    def programs(self) -> dict[int, str]:
        """Paths of the listeners' programs by process, as far as this user may see them."""
        pairs = (line.partition(" ") for line in self.text("programs").splitlines())
        return {int(pid): path for pid, _, path in pairs if path}

    @property
    def links(self) -> dict[str, tuple[int, bool]]:
        """Greatest packet in bytes, and whether it is up, by network interface."""
        lines = (line.split() for line in self.text("links").splitlines())
        # IFF_UP of netdevice(7) is the lowest bit.
        return {words[0]: (int(words[1]), bool(int(words[2], 16) & 1)) for words in lines if len(words) == 3}

    @property
    def outer_link(self) -> str:
        """The interface of the default route; empty without one."""
        found = re.search(r"^default .*\bdev (\S+)", self.text("routes"), re.MULTILINE)
        return found[1] if found else ""

    @property
    def kills(self) -> list[Kill]:
        """What the kernel ended for want of memory, as far as its log goes back and this user may read it."""
        now = float(self.text("uptime").split()[0]) if self.text("uptime") else 0.0
        return [Kill(age_seconds=now - float(at), container=container or "", program=program,
                     is_limit=kind == "CONSTRAINT_MEMCG")
                for at, kind, container, program in re.findall(
                    r"^\[\s*([\d.]+)\] .*oom-kill:constraint=(\w+),(?:.*task_memcg=\S*?([0-9a-f]{64})\S*?)?"
                    r"(?:.*)task=([^,]+),", self.text("kills"), re.MULTILINE)]

    @property
    def files(self) -> dict[str, File]:
        """Files of the volumes by path."""
        found = re.findall(r"^(\d+) (\d+) (\d+) (\w) (/.*)$", self.text("files"), re.MULTILINE)
        return {path: File(user=int(user), group=int(group), mode=int(mode, 8), is_folder=kind == "d", path=path)
                for user, group, mode, kind, path in found if kind in "df"}
