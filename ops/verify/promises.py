"""What each container may have, from the settings and the table of departures; never from the engine.

The design's promises are stated here a second time, beside components/: a mistake there must not pass here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from policy import exceptions

from ..carriage import CARRIAGE, COMMAND, parsed
from .state import CONTAINER, IMAGE, NETWORK, VOLUME, Resource, State

FULL = ("admin", "caddy", "singbox", "trojan", "wireguard", "xray")
MINIMAL = ("admin", "caddy")
DATA_VOLUMES = frozenset({"stealth-caddy-config", *(f"stealth-{service}-data" for service in FULL)})
EDGE, CONTROL = "stealth-vpn", "stealth-control"
RENDERED = "/etc/stealth/"
"""Where a service finds the files that the deploy wrote for it."""

GREATEST_MEMORY = 512 << 20
"""Bytes that the larger resource profile gives."""

_HANDED_OVER = "/var/lib/certificates"
# Where each service has which volume, beside its rendered files; nobody else has any of them.
_VOLUMES: Mapping[str, Mapping[str, str]] = {
    "admin": {"/var/lib/admin": "stealth-admin-data"},
    "caddy": {"/data": "stealth-caddy-data", "/config": "stealth-caddy-config", "/srv/site": "stealth-site-*",
              _HANDED_OVER: "stealth-certificates"},
    "singbox": {"/var/lib/singbox": "stealth-singbox-data", _HANDED_OVER: "stealth-certificates"},
    "trojan": {"/var/lib/trojan": "stealth-trojan-data"},
    "tunnel": {},
    "wireguard": {"/var/lib/wireguard": "stealth-wireguard-data"},
    "xray": {"/var/lib/xray": "stealth-xray-data"},
}
_WRITERS: Mapping[str, Mapping[str, str]] = {
    "certificates": {"/etc/stealth": "stealth-certificates"}, "site": {"/site": "stealth-site-*"}}
_MODULES = "/lib/modules"
_FORWARDING = {"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.src_valid_mark": "1"}
_FORWARDING6 = {"net.ipv6.conf.all.forwarding": "1"}


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What a container may have beyond nothing; a container that nobody promised may have nothing."""

    capabilities: frozenset[str] = frozenset()
    """Without CAP_."""

    devices: frozenset[str] = frozenset()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    ports: frozenset[str] = frozenset()
    """Each as `address:port->port/transport`, the host's first."""

    volumes: Mapping[str, str] = field(default_factory=dict)
    """Pattern of the volume's name by where it is mounted."""

    host_folders: frozenset[str] = frozenset()
    is_promised: bool = False
    """Made by the deploy."""

    may_be_root: bool = False
    is_writer: bool = False
    """Made to carry files into a volume, and never started."""


@dataclass(frozen=True, kw_only=True)
class Promises:
    """All that one stack promises."""

    stack: str
    settings: Mapping[str, Any]
    state: State

    @property
    def services(self) -> tuple[str, ...]:
        """Names of the containers that run."""
        names = FULL if self.settings["mode"] == "full" else MINIMAL
        if self.settings.get("hosts"):
            names = (*names, "tunnel")
        return tuple(f"stealth-{name}" for name in names)

    def is_stopped(self, name: str) -> bool:
        """Tell whether the configuration says that an operator has stopped the container of that name."""
        return name.removeprefix("stealth-") in (self.settings.get("stopped") or ())

    @property
    def containers(self) -> dict[str, Resource]:
        """What the deploy wrote down of each container by name, the writers too."""
        return {str(item.inputs["name"]): item for item in self.state.of(CONTAINER)}

    @property
    def networks(self) -> dict[str, Resource]:
        """What it wrote down of both networks."""
        return {str(item.inputs["name"]): item for item in self.state.of(NETWORK)}

    @property
    def volumes(self) -> dict[str, Resource]:
        """What it wrote down of the volumes."""
        return {str(item.inputs["name"]): item for item in self.state.of(VOLUME)}

    @property
    def images(self) -> dict[str, str]:
        """Id of each image by name, as the engine has them: of those built elsewhere, what was carried to it."""
        built = {item.inputs["imageName"]: item.outputs["repoDigest"] for item in self.state.of(IMAGE)}
        carried = [parsed(item.inputs["stdin"]) for item in self.state.of(COMMAND) if item.name == CARRIAGE]
        return {name: identity for name, identity in built.items() if name in carried[0]} if carried else built

    def published(self) -> frozenset[str]:
        """The server's public ports, each as `address:port->port/transport`, the host's first."""
        public = {"80": self.settings["httpPort"], "443": self.settings["httpsPort"]}
        addresses = ["0.0.0.0", *(["::"] if _is_on(self.settings["ipv6"]) else [])]  # noqa: S104 - what is promised
        inside = [port for row in exceptions.read() for port in row.allowed.get("ports", [])]
        return frozenset(f"{address}:{public[port.split('/')[0]]}->{port}"
                         for address in addresses for port in inside)

    def allowed(self, name: str) -> Allowed:
        """Return what the container of that name may have."""
        service = name.removeprefix("stealth-")
        rows = [row.allowed for row in exceptions.read() if service.removesuffix("-writer") in row.services]
        may_be_root = any(row.get("user") == "0:0" for row in rows)
        if name.endswith("-writer") and name in self.containers:
            # Files are its service's, so it has that one's user.
            filled = service.removesuffix("-writer")
            return Allowed(is_promised=True, is_writer=True, may_be_root=may_be_root,
                           volumes=_WRITERS.get(filled, _rendered(filled)))
        if name not in self.services:
            return Allowed()
        may_load_modules = service == "wireguard" and _is_on(self.settings["allowSysModule"])
        return Allowed(
            is_promised=True, capabilities=frozenset(_listed(rows, "capabilities")) | (
                frozenset({"SYS_MODULE"}) if may_load_modules else frozenset()),
            devices=frozenset(_listed(rows, "devices")),
            sysctls=self._sysctls() if service == "wireguard" else {},
            ports=self.published() if any("ports" in row for row in rows) else frozenset(),
            host_folders=frozenset({_MODULES}) if may_load_modules else frozenset(),
            may_be_root=may_be_root, volumes={**_VOLUMES[service], **_rendered(service)})

    def _sysctls(self) -> dict[str, str]:
        return _FORWARDING | (_FORWARDING6 if _is_on(self.settings["ipv6"]) else {})


def _rendered(service: str) -> dict[str, str]:
    return {RENDERED.rstrip("/"): f"stealth-{service}-rendered"}


def _listed(rows: list[Mapping[str, Any]], key: str) -> list[str]:
    return [entry for row in rows for entry in row.get(key, [])]


def _is_on(value: object) -> bool:
    return value in {True, "true"}
