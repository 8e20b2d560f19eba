"""The panel's configuration: a frozen PanelConfig, read once from a file, every value checked.

A fault ends in one sentence that names the key, the fault and the fix. There is no default: a panel that
guessed a key or a path would be open. The file is delivered from outside; this module never writes it.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from . import config_rules as rules
from .config_file import ConfigError, read
from .config_rules import checked
from .store.models import MAIN

__all__ = ["CONFIG_FILE", "AlertTargets", "ConfigError", "EngineAccess", "HostAccess", "PanelConfig", "ServerFacts"]

CONFIG_FILE = Path("/etc/stealth/panel.json")


@dataclass(frozen=True, kw_only=True)
class EngineAccess:
    """Where an engine's agent answers, and what it wants to be shown."""

    url: str
    """Address without a path, such as http://172.21.0.11:8020."""

    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class AlertTargets:
    """Where an operator is told of events; an empty text stands for nowhere."""

    webhook_url: str = field(repr=False)
    smtp_url: str = field(repr=False)
    """Server that takes mail, such as smtps://user:password@mail.example.com."""

    mail_to: str


@dataclass(frozen=True, kw_only=True)
class ServerFacts:
    """What clients must know of the server."""

    domain: str
    port: int
    """Public port of every protocol, TCP and UDP."""

    names: Mapping[str, str]
    """Host names by label: www, cdn (REALITY), img (ShadowTLS), app (Trojan), q (Hysteria2) and t (TUIC)."""

    authority: str
    """PEM of the private root that clients must trust; empty where every system knows the authority."""

    reality_public_key: str
    reality_short_id: str = field(repr=False)
    websocket_path: str = field(repr=False)
    """Secret path of VLESS over WebSocket."""

    shadowtls_password: str = field(repr=False)
    shadowsocks_server_key: str = field(repr=False)
    """Server's half of a Shadowsocks 2022 password, 16 bytes in base64 (SIP022)."""

    wireguard_public_key: str
    wireguard_subnet: str
    """IPv4 subnet of the peers; the first address is the server's."""

    wireguard_subnet6: str
    wireguard_endpoint: str
    """HOST:PORT at which chisel, inside the server, reaches WireGuard."""

    tunnel_path: str = field(repr=False)
    """Secret path of chisel, which carries WireGuard over WebSocket."""

    dns_servers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HostAccess:
    """A further host of a fleet: how its engines are reached, and what clients must know of it."""

    engines: Mapping[str, EngineAccess]
    server: ServerFacts


@dataclass(frozen=True, kw_only=True)
class PanelConfig:
    """Every configured value, checked; in the file the keys are written in camelCase."""

    port: int
    """TCP port to listen on, inside the container."""

    proxy_address: str
    """IPv4 address of the web server in front, the only caller from outside the container that is answered."""

    path: str = field(repr=False)
    """Secret path that the panel lives below, such as /a1b2..., without a slash at its end."""

    subscription_path: str = field(repr=False)
    """Secret path that users' links live below, in the same form."""

    session_key: str = field(repr=False)
    """Key that sessions are signed with."""

    password_pepper: str = field(repr=False)
    """Key of the hash that each password goes through before bcrypt; it is not in the database."""

    subscription_key: str = field(repr=False)
    """Key that users' links are made with."""

    metrics_token: str = field(repr=False)
    """What Prometheus must show."""

    former_password_pepper: str = field(repr=False)
    """The pepper before, while a rotation lasts: what it has hashed is hashed anew at the next sign-in. Else empty."""

    former_subscription_key: str = field(repr=False)
    """The key before, whose links are good as well while a rotation lasts; else empty."""

    former_metrics_token: str = field(repr=False)
    """The token before, likewise."""

    database_url: str = field(repr=False)
    """SQLAlchemy's address of the database."""

    admin_username: str
    """Name of the first account."""

    admin_password_hash: str = field(repr=False)
    """Bcrypt hash of the first account's password."""

    session_timeout_seconds: int
    """Idle time after which a session ends."""

    login_rate_per_minute: int
    """Sign-in attempts allowed per minute and address."""

    log_level: str
    """Least level of the lines that are logged."""

    engines: Mapping[str, EngineAccess]
    """Agents by engine; none where the server runs no engine."""

    server: ServerFacts | None
    """None where the server runs no engine."""

    hosts: Mapping[str, HostAccess]
    """The fleet's further hosts by name; none where one server is all."""

    alerts: AlertTargets
    time_zone: ZoneInfo
    """Zone of the times shown and logged: the environment's TZ, or UTC without one."""

    @classmethod
    def load(cls, file: Path = CONFIG_FILE) -> Self:
        """Read file and the environment's TZ; raises ConfigError on the first fault."""
        values = checked(read(file), rules.PANEL)
        if values["path"] == values["subscription_path"]:
            raise ConfigError("subscriptionPath is the path of the panel, but users' links need one of their own; "
                              "correct it in panel.json.")
        nested: dict[str, Any] = {
            "engines": _engines(values["engines"]),
            "server": None if values["server"] is None else _server(values["server"]),
            "hosts": {name: _host(given, f"hosts.{name}.") for name, given in values["hosts"].items()},
            "alerts": AlertTargets(**checked(values["alerts"], rules.ALERTS, "alerts.")),
        }
        _check_fleet(nested["server"], nested["hosts"])
        return cls(time_zone=_time_zone(os.environ.get("TZ") or "UTC"), **(values | nested))

    @property
    def password_peppers(self) -> tuple[str, ...]:
        """All that are in force, the one for new hashes first."""
        return _in_force(self.password_pepper, self.former_password_pepper)

    @property
    def subscription_keys(self) -> tuple[str, ...]:
        """All that are in force, the one for new links first."""
        return _in_force(self.subscription_key, self.former_subscription_key)

    @property
    def metrics_tokens(self) -> tuple[str, ...]:
        """All that are in force."""
        return _in_force(self.metrics_token, self.former_metrics_token)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log line may show; of a path the part that identifies it."""
        parts = (self, self.alerts, *self.engines.values(), *self.servers.values(),
                 *(access for host in self.hosts.values() for access in host.engines.values()))
        return tuple(_secrets(parts))

    @property
    def servers(self) -> dict[str, ServerFacts]:
        """What clients must know of each host, by its name, this one first; none where no engine runs."""
        own = {MAIN: self.server} if self.server is not None else {}
        return own | {name: host.server for name, host in self.hosts.items()}


def _in_force(present: str, former: str) -> tuple[str, ...]:
    return (present, former) if former else (present,)


def _engines(given: Mapping[str, Any], place: str = "") -> dict[str, EngineAccess]:
    return {name: EngineAccess(**checked(access, rules.ENGINE, f"{place}engines.{name}."))
            for name, access in given.items()}


def _host(given: Mapping[str, Any], place: str) -> HostAccess:
    values = checked(given, rules.HOST, place)
    return HostAccess(engines=_engines(values["engines"], place), server=_server(values["server"], place))


def _check_fleet(server: ServerFacts | None, hosts: Mapping[str, HostAccess]) -> None:
    if hosts and server is None:
        raise ConfigError("hosts has entries, but server is null, and users' links begin with its name; give both, or "
                          "neither, in panel.json.")
    domains = {MAIN: server.domain} if server is not None else {}
    for name, host in hosts.items():
        for other, domain in domains.items():
            if domain == host.server.domain:
                raise ConfigError(f"hosts.{name}.server.domain is {domain}, but that is the domain of {other}, and "
                                  "people tell hosts apart by it; correct it in panel.json.")
        domains[name] = host.server.domain


def _server(given: Mapping[str, Any], place: str = "") -> ServerFacts:
    values = checked(given, rules.SERVER, f"{place}server.")
    checked(values["names"], rules.NAMES, f"{place}server.names.")
    return ServerFacts(**(values | {"dns_servers": tuple(values["dns_servers"])}))


def _secrets(parts: Iterable[Any]) -> Iterable[str]:
    for part in parts:
        for entry in fields(part):
            # An alert's target and a former key may be empty, and an empty text is found everywhere.
            if not entry.repr and (secret := getattr(part, entry.name).strip("/")):
                yield secret


def _time_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    # A missing zone is a KeyError, an absolute path a ValueError, and a folder such as Europe an OSError.
    except (KeyError, ValueError, OSError):
        raise ConfigError(
            f"TZ is {name}, but it must be an IANA time zone; set it to one such as UTC.") from None
