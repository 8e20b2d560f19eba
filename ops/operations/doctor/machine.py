"""Checks of the engine and its machine: age, kernel, clock, disk, memory."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ... import preflight
from ...errors import OperatorError
from ...watchdog.host import State
from .. import cleanup
from .facts import Facts
from .findings import Case, Finding

TUN = Path("/dev/net/tun")
LEAST_FREE_DISK_BYTES = 2 << 30
LEAST_FREE_INODES = 0.02
LEAST_FREE_MEMORY_BYTES = 128 << 20
SWAPLESS_BYTES = 1 << 30
"""With less memory than this a machine needs swap: a build of an image takes most of a gibibyte."""

MOST_CLOCK_SECONDS = 30
"""TOTP takes a code of half a minute ago, and certificates are young for a minute at least."""

_TUN = "a:c8"  # 10:200, Documentation/admin-guide/devices.txt of Linux
_NEARLY_FULL = 0.9
_RECENT_SECONDS = 86400
_FEATURES = {
    "MemoryLimit": ("memory-limits-missing", "cannot limit memory",
                    "add cgroup_enable=memory to the kernel's command line, and reboot"),
    "CpuCfsQuota": ("processor-limits-missing", "cannot limit processor time",
                    "boot a kernel with CONFIG_CFS_BANDWIDTH"),
}


def engine(case: Case) -> Iterator[Finding]:
    """Look at the engine's age, and whether it comes back after a reboot."""
    try:
        preflight.check_version(case.engine.version())
    except OperatorError as error:
        yield Finding(check="engine", name="engine-old", fault=str(error), fix="sudo apt-get install docker.io")
    if case.facts is None:
        yield Finding(check="engine", name="machine-closed", fix=f"ssh {case.engine.host.removeprefix('ssh://')}",
                      fault="The engine's machine lets nobody look at its disk, memory, ports and firewall by ssh.")
    elif case.facts.text("enabled") == "disabled":
        command = "sudo systemctl enable docker"
        yield Finding(check="engine", name="engine-not-enabled", fix=command,
                      fault="Docker does not start by itself after a reboot of the engine's machine.",
                      repair=case.on_host("lets Docker start with the machine", "systemctl enable docker"))


def kernel(case: Case) -> Iterator[Finding]:
    """Look at what the kernel can do, and lets containers do."""
    for key, (name, fault, fix) in _FEATURES.items():
        if case.info.get(key) is False:
            yield Finding(check="kernel", name=name, fault=f"The engine's machine {fault}.", fix=fix)
    # The engine tells what was so when it was started, the machine what is so now.
    now = case.facts.parameters.get("net/ipv4/ip_forward") if case.facts else None
    if now == "0" or (now is None and case.info.get("IPv4Forwarding") is False):
        yield Finding(check="kernel", name="forwarding-off", fix="sudo sysctl -w net.ipv4.ip_forward=1",
                      fault="The engine's machine does not forward IPv4, so that containers reach nothing.",
                      repair=case.on_host("lets the kernel forward IPv4", "sysctl -w net.ipv4.ip_forward=1"))
    if case.facts is None:
        return
    if "wireguard" in case.target.running and case.facts.text("tun") != _TUN:
        yield Finding(check="kernel", name="tun-missing", fix="sudo modprobe tun",
                      fault=f"{TUN} is not there, but WireGuard needs it.",
                      repair=case.on_host("loads the kernel module tun", "modprobe tun"))
    yield from _of_tables(case)


def _of_tables(case: Case) -> Iterator[Finding]:
    known = case.facts.parameters if case.facts else {}
    count, most = (int(known.get(f"net/netfilter/nf_conntrack_{name}", 0)) for name in ("count", "max"))
    if most and count > _NEARLY_FULL * most:
        yield Finding(check="kernel", name="connections-full",
                      fix=f"sudo sysctl -w net.netfilter.nf_conntrack_max={2 * most}",
                      fault=f"The kernel follows {count} of at most {most} connections, and drops what is beyond that.")
    files = known.get("fs/file-nr", "").split()
    if len(files) == 3 and int(files[0]) > _NEARLY_FULL * int(files[2]):
        yield Finding(check="kernel", name="files-full", fix=f"sudo sysctl -w fs.file-max={2 * int(files[2])}",
                      fault=f"{files[0]} of at most {files[2]} files are open on the engine's machine.")


def clock(case: Case) -> Iterator[Finding]:
    """Compare the engine's clock with this machine's, and ask whether it is kept right."""
    if told := case.info.get("SystemTime"):
        apart = (datetime.fromisoformat(told[:19]).replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
        if abs(apart) > MOST_CLOCK_SECONDS:
            yield Finding(check="clock", name="clock-off",
                          fix="sudo timedatectl set-ntp true (on the machine that is wrong)",
                          fault=f"The clock of the engine's machine is {apart:+.0f} s off this one's.")
    if case.facts and case.facts.text("synchronised") == "no":
        yield Finding(check="clock", name="clock-not-kept", fix="sudo timedatectl set-ntp true",
                      fault="Nothing keeps the clock of the engine's machine right, but certificates and second "
                            "factors need it.",
                      repair=case.on_host("lets systemd keep the clock right", "timedatectl set-ntp true"))


def disk(case: Case) -> Iterator[Finding]:
    """Look at the disk that holds images, volumes and logs."""
    if case.facts is None:
        return
    free, _, place = case.facts.left("disk")
    if place and free << 10 < LEAST_FREE_DISK_BYTES:
        yield Finding(check="disk", name="disk-full", fix="ops cleanup", details=_what_docker_holds(case),
                      fault=f"{place} of the engine's machine has {free / (1 << 20):.1f} GiB left, but logs, the "
                            "panel's store and the next build need room.")
    free, whole, place = case.facts.left("inodes")
    if whole and free < LEAST_FREE_INODES * whole:
        yield Finding(check="disk", name="inodes-full", fix="ops cleanup",
                      fault=f"{place} of the engine's machine has room for {free} more files only.")
    options = {words[1]: words[3].split(",") for line in case.facts.text("filesystems").splitlines()
               if len(words := line.split()) > 3}
    if "ro" in options.get(place, ()):
        yield Finding(check="disk", name="disk-read-only", fix=f"sudo dmesg | tail; sudo mount -o remount,rw {place}",
                      fault=f"{place} of the engine's machine is mounted read-only; the kernel does so to a bad disk.")


def memory(case: Case) -> Iterator[Finding]:
    """Look at the machine's memory, and at what its kernel ended for want of it."""
    if case.facts is None:
        return
    found = case.facts.memory_bytes
    if (free := found.get("MemAvailable", LEAST_FREE_MEMORY_BYTES)) < LEAST_FREE_MEMORY_BYTES:
        yield Finding(check="memory", name="memory-full",
                      fault=f"The engine's machine has {free >> 20} MiB of memory left; the kernel ends processes when "
                            "there is none.",
                      fix="pulumi config set resourceProfile small, then make up; ps aux --sort -rss shows who has it")
    if 0 < found.get("MemTotal", 0) < SWAPLESS_BYTES and not found.get("SwapTotal"):
        yield Finding(check="memory", name="swap-missing",
                      fault=f"The engine's machine has {found['MemTotal'] >> 20} MiB of memory and no swap, which the "
                            "next build of an image may use up.",
                      fix="sudo fallocate -l 2G /swapfile && sudo chmod 600 /swapfile && sudo mkswap /swapfile && "
                          "sudo swapon /swapfile, and a line for it in /etc/fstab")
    yield from _of_kills(case.facts)


def _of_kills(facts: Facts) -> Iterator[Finding]:
    recent = [kill for kill in facts.kills if not kill.is_limit and kill.age_seconds < _RECENT_SECONDS]
    if recent:
        yield Finding(check="memory", name="memory-used-up",
                      fix="pulumi config set resourceProfile small, then make up",
                      fault=f"The machine's memory was used up within the last day, and its kernel ended "
                            f"{', '.join(sorted({kill.program for kill in recent}))}.")


def _what_docker_holds(case: Case) -> str:
    try:
        held = cleanup.sizes(case.engine)
    except OperatorError:
        return ""
    return "\n".join(f"{kind}: {size / (1 << 30):.1f} GiB, {free / (1 << 30):.1f} of them not in use"
                     for kind, (size, free) in held.items())


def watchdog(case: Case) -> Iterator[Finding]:
    """Look whether the watchdog runs, unless somebody switched it off, and whether it can look."""
    if not case.is_deployed:
        return
    state, fix = State.of(case.engine, case.target.stack), "ops watchdog install"
    if state.fault:
        yield Finding(check="watchdog", name="watchdog-blind", fault=state.fault, fix=fix)
    elif not state.runs and (case.target.data_dir or not state.is_off):
        rest = f", and nobody writes logs below {case.target.data_dir}" if case.target.data_dir else ""
        yield Finding(check="watchdog", name="watchdog-missing", fix="make up" if state.is_off else fix,
                      fault=f"No watchdog runs, so a service that hangs stays so{rest}.")
