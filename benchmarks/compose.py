"""A Compose file of the same six containers, read off those that run: what the deploy is compared with.

Everything that may cost time at a start is taken over: images, networks and addresses, mounts, limits, health
checks and their timings, and the order (Caddy last).
"""

import json
from collections.abc import Iterable
from typing import Any

from tests.e2e.deployment import SERVICES, docker, inspect

PROJECT = "stealth-bench"


def project(rendered: dict[str, str]) -> dict[str, Any]:
    """Return the Compose project; `rendered` maps a volume of rendered files to its kept copy."""
    services = {service: _service(service, rendered) for service in SERVICES}
    others = [service for service in SERVICES if service != "caddy"]
    services["caddy"]["depends_on"] = {service: {"condition": "service_healthy"} for service in others}
    volumes = {source for service in services.values() for source in _sources(service)}
    return {
        "name": PROJECT, "services": services,
        "networks": {name: _network(name) for name in ("stealth-vpn", "stealth-control")},
        "volumes": {name: {"external": True, "name": name} for name in sorted(volumes)},
    }


def _sources(service: dict[str, Any]) -> Iterable[str]:
    return (mount["source"] for mount in service["volumes"] if mount["type"] == "volume")


def _service(service: str, rendered: dict[str, str]) -> dict[str, Any]:
    entry = inspect(service)
    config, host = entry["Config"], entry["HostConfig"]
    made: dict[str, Any] = {
        "container_name": f"{PROJECT}-{service}", "image": entry["Image"], "hostname": config["Hostname"],
        "user": config["User"], "environment": config["Env"], "read_only": True, "init": False,
        "tmpfs": [f"{path}:{options}" for path, options in host["Tmpfs"].items()],
        "cap_drop": host["CapDrop"], "cap_add": host["CapAdd"] or [], "security_opt": host["SecurityOpt"],
        "sysctls": host.get("Sysctls") or {}, "restart": host["RestartPolicy"]["Name"],
        "devices": [f"{device['PathOnHost']}:{device['PathInContainer']}" for device in host["Devices"] or []],
        "ulimits": {limit["Name"]: {"soft": limit["Soft"], "hard": limit["Hard"]} for limit in host["Ulimits"]},
        "mem_limit": host["Memory"], "memswap_limit": host["MemorySwap"], "mem_reservation": host["MemoryReservation"],
        "cpus": host["NanoCpus"] / 1e9, "cpu_shares": host["CpuShares"],
        "logging": {"driver": host["LogConfig"]["Type"], "options": host["LogConfig"]["Config"]},
        "healthcheck": _health(config["Healthcheck"]), "networks": _places(entry),
        "ports": _ports(host["PortBindings"] or {}), "volumes": [_mount(mount, rendered) for mount in entry["Mounts"]],
    }
    if config["Cmd"]:
        made["command"] = config["Cmd"]
    return made


def _health(check: dict[str, Any]) -> dict[str, Any]:
    def duration(name: str) -> str:
        return f"{check[name] // 1_000_000}ms"

    return {"test": check["Test"], "retries": check["Retries"], "interval": duration("Interval"),
            "timeout": duration("Timeout"), "start_period": duration("StartPeriod"),
            "start_interval": duration("StartInterval")}


def _places(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: {"ipv4_address": place["IPAMConfig"]["IPv4Address"]}
            for name, place in entry["NetworkSettings"]["Networks"].items()}


def _ports(bindings: dict[str, Any]) -> list[str]:
    return [f"{binding['HostIp']}:{binding['HostPort']}:{inside}"
            for inside, entries in bindings.items() for binding in entries]


def _mount(mount: dict[str, Any], rendered: dict[str, str]) -> dict[str, Any]:
    source = rendered.get(mount["Name"], mount["Name"])
    return {"type": "volume", "source": source, "target": mount["Destination"], "read_only": not mount["RW"]}


def _network(name: str) -> dict[str, Any]:
    (entry,) = json.loads(docker("network", "inspect", name))
    (ipam,) = entry["IPAM"]["Config"]
    return {"name": name, "driver": "bridge", "internal": entry["Internal"],
            "ipam": {"config": [{"subnet": ipam["Subnet"], "gateway": ipam["Gateway"]}]}}
