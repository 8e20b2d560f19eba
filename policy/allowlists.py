"""What may differ from one service to the next. Nothing else may, and components/ is not asked.

What exceptions.toml allows as a departure from the CIS benchmark is read from there; the rest stands here.
"""

from collections.abc import Mapping
from typing import Any

from . import exceptions
from .resources import COMMAND, CONTAINER, IMAGE, NETWORK, PASSWORD, PROVIDER, VOLUME

TYPES = frozenset({
    COMMAND, CONTAINER, IMAGE, NETWORK, VOLUME, PASSWORD, PROVIDER, "pulumi:providers:command",
    "pulumi:providers:random", "pulumi:pulumi:Stack"})
"""All that a stack may be made of, beside components."""

SSH_OPTIONS = (
    "BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10",
    "ServerAliveInterval=10", "ServerAliveCountMax=3", "ControlMaster=auto",
    "ControlPath=~/.ssh/stealth-%C", "ControlPersist=60s")
"""How an engine is reached by ssh: any other option could take a check away, or bring a command."""

COMPONENTS = "stealth-vpn:"
"""What the types of the program's own components begin with: they group resources, and make nothing themselves."""

ENGINES = frozenset({"singbox", "trojan", "wireguard", "xray"})
"""Services that carry traffic."""

SERVICES = ENGINES | {"admin", "caddy", "tunnel"}
ONE_SHOT_JOBS = frozenset({f"{name}-writer" for name in (*SERVICES, "certificates", "site")})
"""Containers that carry files into a volume and are never started."""


def departures(key: str) -> Mapping[str, Any]:
    """Return what exceptions.toml allows under `key`, by service."""
    return {service: row.allowed[key] for row in exceptions.read() for service in row.services if key in row.allowed}


CAPABILITIES: Mapping[str, frozenset[str]] = {
    service: frozenset(names) for service, names in departures("capabilities").items()}
MODULE_CAPABILITY = "SYS_MODULE"
"""For WireGuard only, and only beside the host's modules: the operator's switch allowSysModule brings both."""

MODULES_FOLDER = "/lib/modules"
ROOT_USERS = frozenset(departures("user"))
"""Services that may run as root."""

GROUPS: Mapping[str, frozenset[str]] = {"singbox": frozenset({"10001"})}
"""Groups beside the user's own: sing-box reads the certificates that Caddy, group 10001, hands over."""

DEVICES: Mapping[str, frozenset[str]] = {
    service: frozenset(paths) for service, paths in departures("devices").items()}
DEVICE_RIGHTS = "rw"
"""Never m, by which a container makes device files of its own."""

SYSCTLS: Mapping[str, frozenset[str]] = {"wireguard": frozenset({
    "net.ipv4.ip_forward",  # packets of peers go on to the internet
    "net.ipv4.conf.all.src_valid_mark",  # wg-quick(8): marked packets pass the source check
    "net.ipv6.conf.all.forwarding",  # the same over IPv6
})}
"""Each of these may be 1."""

PORTS: Mapping[str, frozenset[str]] = {service: frozenset(ports) for service, ports in departures("ports").items()}
"""What may be published, as the container has it inside; which port of the host it is, is the operator's choice."""

EDGE, CONTROL = "stealth-vpn", "stealth-control"
NETWORKS: Mapping[str, frozenset[str]] = {
    # What everybody can reach has no way to the daemons' management interfaces.
    service: frozenset({EDGE} if service == "caddy" else {EDGE, CONTROL}) for service in SERVICES}

HOST_NUMBERS: Mapping[str, int] = {
    "caddy": 10, "xray": 11, "trojan": 12, "singbox": 13, "wireguard": 14, "admin": 15, "tunnel": 16}
"""What each service's addresses end with; the subnets are the operator's choice."""

HOST_FOLDERS: Mapping[str, frozenset[str]] = {"wireguard": frozenset({MODULES_FOLDER})}
"""Folders of the host that may be mounted read-only."""

WRITABLE: Mapping[str, frozenset[str]] = {
    "admin": frozenset({"/var/lib/admin"}),
    "caddy": frozenset({"/data", "/config", "/var/lib/certificates"}),
    "singbox": frozenset({"/var/lib/singbox"}),
    "trojan": frozenset({"/var/lib/trojan"}),
    "wireguard": frozenset({"/var/lib/wireguard"}),
    "xray": frozenset({"/var/lib/xray"}),
    "site-writer": frozenset({"/site"}),
} | {job: frozenset({"/etc/stealth"}) for job in ONE_SHOT_JOBS - {"site-writer"}}
"""Where a container may have a volume that it can write."""

_HANDED_OVER: Mapping[str, str] = {"/var/lib/certificates": "stealth-certificates"}
_SITE = "stealth-site-#"
_DATA: Mapping[str, Mapping[str, str]] = {
    "caddy": {"/data": "stealth-caddy-data", "/config": "stealth-caddy-config", "/srv/site": _SITE, **_HANDED_OVER},
    "singbox": {"/var/lib/singbox": "stealth-singbox-data", **_HANDED_OVER},
    "tunnel": {},
}
_RENDERED: Mapping[str, Mapping[str, str]] = {
    service: {"/etc/stealth": f"stealth-{service}-rendered"} for service in SERVICES}
VOLUMES: Mapping[str, Mapping[str, str]] = {
    **{service: {**_RENDERED[service], **_DATA.get(service, {f"/var/lib/{service}": f"stealth-{service}-data"})}
       for service in SERVICES},
    **{f"{service}-writer": _RENDERED[service] for service in SERVICES},
    "certificates-writer": {"/etc/stealth": "stealth-certificates"}, "site-writer": {"/site": _SITE}}
"""Where a container has which volume, and no container has another's; # stands for 12 hexadecimal digits."""

SCRATCH = frozenset({"/tmp", "/run"})  # noqa: S108 - places inside a container
"""Where each service has a tmpfs."""

GREATEST_SCRATCH_MB = 64
GREATEST_MEMORY_MB = 512
"""What the larger resource profile gives; a server of one gigabyte has no more to give to one of six."""

GREATEST_CORES = 4.0
GREATEST_SHARES = 1024
GREATEST_LIMITS: Mapping[str, int] = {"nofile": 1 << 20, "nproc": 4096}
LOG_DRIVERS = frozenset({"json-file", "local"})
"""Those that keep logs on the host, and rotate them if they are told when."""

GREATEST_LOG_MB = 1024
"""What all files of one service's log may hold."""

BUILD_ARGUMENTS: Mapping[str, str] = {
    "OS_IMAGE": r"stealth-vpn/os:[a-z]+", "BUILDER_IMAGE": "stealth-vpn/builder:local",
    "BUILDER_ID": "sha256:[0-9a-f]{64}"}
"""What a Dockerfile may be given, and which values: images that this project makes."""

IMAGE_FOLDERS = r"admin|images/[a-z]+"
"""Where images are built from."""


PERMISSIONS: Mapping[str, frozenset[str]] = {
    "certificates-writer": frozenset({"0640"}),  # sing-box reads them as a member of Caddy's group
    "site-writer": frozenset({"0444"}),  # what the whole world may read
}
SECRET_PERMISSIONS = frozenset({"0400", "0440", "0600"})
"""Modes of a delivered file, unless PERMISSIONS has others for that job."""

REGISTRIES = frozenset(registry for given in departures("registries").values() for registry in given)
"""Registries that images may come from: none, for they are built on the host itself."""

OWN_IMAGES = "stealth-vpn/{}:local"
"""What the image of a service is called, whose id its containers have."""

IMAGE_OWNERS: Mapping[str, str] = {
    **{service: service for service in SERVICES}, **{f"{service}-writer": service for service in SERVICES},
    "site-writer": "caddy"}
"""Whose image a container has; the first certificates' job, which never starts, may keep one of before."""

PUBLIC_RANDOM: frozenset[str] = frozenset()
"""Types of random resources whose value may stand in the state in clear: none."""

FILLED_VOLUMES = frozenset({f"stealth-{service}-rendered" for service in SERVICES} | {"stealth-certificates"})
"""Volumes of copies: each deploy writes rendered files anew, Caddy hands certificates over from its own data, and
the operator's site, whose volume ends with a hash, lies in the project."""

OWNER_LABELS = tuple(f"org.stealth-vpn.{name}" for name in ("project", "stack", "component"))
HASH_LABEL = "org.stealth-vpn.config-sha256"
"""Label with a hash over texts that hold keys, which gives nothing away."""

# A shell's quotes stand around an IPv6 address.
_PLACE = r"'?(?:ssh|unix)://[\w@.:/\[\]-]+'?"
_ADDRESS = f"({_PLACE})"
COMMANDS: Mapping[str, str] = {
    "onhost": rf"exec \.venv/bin/python -m ops\.onhost {_ADDRESS}",
    "carriage": rf"exec \.venv/bin/python -m ops\.carriage {_PLACE} {_ADDRESS}",
}
"""The only command lines, by the program of this project that they run; their last word is whose machine it is for."""

CARRIED = r"(stealth-vpn/[a-z]+:(local|trixie)( sha256:[0-9a-f]{64})?\n)+"
"""What `carriage` may be given: images of this project, by their names and ids."""

SCRIPTS: Mapping[str, str] = {
    "12c381d76ed9c3a92a3bfb2011d1e577450087160ca708e360b1f3a2cdd85424": "makes a host ready",
}
"""What `onhost` may be given, by the SHA-256 of the script with each port as 0; a changed one must be told here too."""
