"""Checks of the engine and its machine: age, kernel, clock, disk, memory and who holds the public ports.

What only the machine itself can tell (its disk, memory, devices and sockets) is looked at where the engine is this
machine's; docker info tells the rest of any.
"""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil

from ... import preflight
from ...errors import OperatorError
from ...watchdog.host import State
from .findings import Case, Finding

TUN = Path("/dev/net/tun")
LEAST_FREE_DISK_BYTES = 2 << 30
LEAST_FREE_MEMORY_BYTES = 128 << 20
MOST_CLOCK_SECONDS = 30
"""TOTP takes a code of half a minute ago, and certificates are young for a minute at least."""

_FEATURES = {
    "MemoryLimit": ("cannot limit memory", "add cgroup_enable=memory to the kernel's command line, and reboot"),
    "CpuCfsQuota": ("cannot limit processor time", "boot a kernel with CONFIG_CFS_BANDWIDTH"),
    "IPv4Forwarding": ("does not forward IPv4, so that containers reach nothing", "sudo sysctl net.ipv4.ip_forward=1"),
}


def engine(case: Case) -> Iterator[Finding]:
    """Look at the engine's age and at what its kernel can do."""
    try:
        preflight.check_version(case.engine.version())
    except OperatorError as error:
        yield Finding(check="engine", fault=str(error), fix="sudo apt-get install docker.io")
    for key, (fault, fix) in _FEATURES.items():
        if case.info.get(key) is False:
            yield Finding(check="kernel", fault=f"The engine's machine {fault}.", fix=fix)
    if case.target.is_local and "wireguard" in case.target.running and not TUN.exists():
        yield Finding(check="kernel", fault=f"{TUN} is not there, but WireGuard needs it.", fix="sudo modprobe tun")


def ports(case: Case) -> Iterator[Finding]:
    """Look who holds the public ports."""
    if not case.target.is_local:
        return
    for fault in preflight.port_faults(case.target, case.engine):
        yield Finding(check="ports", fault=fault, fix="sudo ss -lntup shows it; stop it, or choose another port")


def clock(case: Case) -> Iterator[Finding]:
    """Compare the engine's clock with this machine's, and ask this one whether it is kept right."""
    if told := case.info.get("SystemTime"):
        apart = (datetime.fromisoformat(told[:19]).replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
        if abs(apart) > MOST_CLOCK_SECONDS:
            yield Finding(check="clock", fault=f"The clock of the engine's machine is {apart:+.0f} s off this one's.",
                          fix="sudo timedatectl set-ntp true (on the machine that is wrong)")
    if case.target.is_local and synchronised() == "no":
        yield Finding(check="clock", fault="Nothing keeps this machine's clock right, but certificates and second "
                                           "factors need it.", fix="sudo timedatectl set-ntp true")


def synchronised() -> str:
    """Return yes or no, or nothing where systemd does not tell."""
    try:
        done = subprocess.run(["timedatectl", "show", "--property", "NTPSynchronized", "--value"],  # noqa: S607 - fixed
                              capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def disk(case: Case) -> Iterator[Finding]:
    """Look at the disk that holds images, volumes and logs."""
    folder = Path(str(case.info.get("DockerRootDir", "")))
    if not case.target.is_local or not folder.is_absolute() or not folder.exists():
        return
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_DISK_BYTES:
        yield Finding(check="disk", fault=f"{folder} has {free / (1 << 30):.1f} GiB left, but logs, the panel's store "
                                          "and the next build need room.", fix="ops cleanup")


def memory(case: Case) -> Iterator[Finding]:
    """Look at the machine's memory."""
    if not case.target.is_local:
        return
    free = psutil.virtual_memory().available
    if free < LEAST_FREE_MEMORY_BYTES:
        yield Finding(check="memory", fault=f"This machine has {free >> 20} MiB of memory left; the kernel ends "
                                            "processes when there is none.",
                      fix="pulumi config set resourceProfile small, then make up; ps aux --sort -rss shows who has it")


def watchdog(case: Case) -> Iterator[Finding]:
    """Look whether the watchdog runs, unless somebody switched it off, and whether it can look."""
    if not case.is_deployed:
        return
    state = State.of(case.engine, case.target.stack)
    if state.fault:
        yield Finding(check="watchdog", fault=state.fault, fix="ops watchdog install")
    elif not state.runs and not state.is_off:
        yield Finding(check="watchdog", fault="No watchdog runs, so a service that hangs stays so.",
                      fix="ops watchdog install")
