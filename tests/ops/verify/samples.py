"""A container as hard as promised, as `docker inspect` prints it; tests soften one property at a time."""

import copy
from typing import Any

from ops.verify.host import HostFacts, Process

ID = "3f" * 32
PID = 70
_PROFILE = "docker-default (enforce)"
_ENTRY: dict[str, Any] = {
    "Id": ID, "Name": "/stealth-xray", "Image": "sha256:xray",
    "State": {"Status": "running", "Running": True, "Pid": PID, "Health": {"Status": "healthy"}},
    "Config": {
        "User": "10002:10002", "Env": ["TZ=UTC"], "Cmd": ["run"], "Entrypoint": ["/usr/local/bin/xray"],
        "Healthcheck": {"Test": ["CMD", "/probe"]}, "Tty": False, "OpenStdin": False,
        "Labels": {"org.stealth-vpn.stack": "local"}},
    "HostConfig": {
        "Privileged": False, "ReadonlyRootfs": True, "CapDrop": ["ALL"], "CapAdd": None,
        "SecurityOpt": ["no-new-privileges:true"], "NetworkMode": "stealth-vpn", "PidMode": "", "IpcMode": "private",
        "UTSMode": "", "UsernsMode": "", "CgroupnsMode": "private", "PortBindings": {}, "PublishAllPorts": False,
        "Devices": [], "DeviceRequests": None, "DeviceCgroupRules": None, "Sysctls": {}, "Memory": 512 << 20,
        "MemorySwap": 512 << 20, "NanoCpus": 10**9, "Runtime": "runc", "CgroupParent": "",
        "Ulimits": [{"Name": "nofile", "Soft": 16384, "Hard": 16384}, {"Name": "nproc", "Soft": 512, "Hard": 512}],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
        "MaskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
        "ReadonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]},
    "Mounts": [{"Type": "volume", "Name": "stealth-xray-data", "Source": "/var/lib/docker/volumes/x/_data",
                "Destination": "/var/lib/xray", "RW": True, "Propagation": ""}],
    "NetworkSettings": {"Ports": {}, "Networks": {"stealth-vpn": {}, "stealth-control": {}}},
}


def changed(part: str = "", **values: object) -> dict[str, Any]:
    """Return the container with these values in a part of it, such as HostConfig."""
    entry = copy.deepcopy(_ENTRY)
    (entry[part] if part else entry).update(values)
    return entry


def process(**status: str) -> Process:
    """Return a process of it, with these lines of its status changed."""
    return Process(namespace="pid:[41]", words={"cmdline": ("/usr/local/bin/xray",)}, confinement=_PROFILE, status={
        "Name": "xray", "Uid": "10002\t10002\t10002\t10002", "Gid": "10002\t10002\t10002\t10002",
        "NoNewPrivs": "1", "Seccomp": "2",
        **{f"Cap{name}": "0" * 16 for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")}, **status})


def facts(*others: Process, is_root: bool = True, **more: Any) -> HostFacts:
    """Return what its machine tells: its first process, these others, and more."""
    given: dict[str, Any] = {"mounts": {PID: (f"1 2 0:1 /x/{ID}/hosts /etc/hosts rw - ext4 disk rw",)}, **more}
    return HostFacts(is_root=is_root, listeners=given.pop("listeners", ()), **given,
                     processes={PID: process(), **{PID + number: item for number, item in enumerate(others, 1)}})
