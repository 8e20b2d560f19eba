"""The only reader of Pulumi's configuration: a frozen, checked Settings.

Defaults live in Pulumi.yaml, so this module only ever requires. It makes no resource and reads no
environment variable.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import pulumi

from . import checks, fleet_hosts
from .configs.plan import Plan
from .errors import SettingsError
from .rotations import Rotations

_TCP_OF_SERVICE = {
    "Caddy": ("http_port", "https_port"),
    "Xray": ("xray_vision_port", "xray_websocket_port"),
}
SERVICES = ("admin", "caddy", "singbox", "trojan", "tunnel", "wireguard", "xray")
_SINGBOX_UDP = ("singbox_hysteria_port", "singbox_tuic_port")
_CHOICES = {
    "tls": ("internal", "acme", "files"),
    "log_level": ("DEBUG", "INFO", "WARNING", "ERROR"),
    "mode": ("full", "minimal"),
    "build_on": ("here", "host"),
    "resource_profile": ("auto", "standard", "small"),
}
_LEAST_ONE = (
    "rate_limit_admin", "rate_limit_vpn", "log_retention_days", "log_max_files", "health_retries",
)
# Below a minute an operator is signed out while typing.
_LEAST_SESSION_SECONDS = 60
# Pulumi.yaml cannot demand it: a key that is declared secret may have no default.
_SECRET = ("database_url", "alert_webhook_url", "alert_smtp_url")
# Docker's own daemon keeps fewer open files than this on the smallest hosts.
_LEAST_OPEN_FILES = 1024


def config_key(field_name: str) -> str:
    """Return the camelCase key in Pulumi.yaml of a field of Settings."""
    head, *rest = field_name.split("_")
    return head + "".join(word.capitalize() for word in rest)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every configured value, checked; meanings and defaults stand in Pulumi.yaml."""

    domain: str
    email: str
    admin_username: str
    tls: str
    acme_directory: str
    tls_certificate_file: str
    tls_key_file: str
    tls_root_file: str
    http_port: int
    https_port: int
    xray_vision_port: int
    xray_websocket_port: int
    trojan_port: int
    singbox_shadowtls_port: int
    singbox_hysteria_port: int
    singbox_tuic_port: int
    wireguard_server_port: int
    wireguard_websocket_port: int
    admin_panel_port: int
    vpn_subnet: str
    network_subnet: str
    ipv6: bool
    vpn_subnet6: str
    network_subnet6: str
    dns_servers: list[str]
    egress_allow: list[str]
    egress_refuse: list[str]
    time_zone: str
    site_dir: str
    rate_limit_admin: int
    rate_limit_vpn: int
    session_timeout_seconds: int
    log_level: str
    log_retention_days: int
    log_max_size: str
    log_max_files: int
    health_interval: str
    health_timeout: str
    health_retries: int
    health_start_period: str
    health_start_interval: str
    mode: str
    stopped: list[str]
    rotations: Rotations
    resource_profile: str
    allow_sys_module: bool
    open_files_limit: int
    data_dir: str
    docker_host: str
    host_setup: bool
    build_on: str
    hosts: tuple[fleet_hosts.FleetHost, ...]
    """A fleet's servers beside the one with the panel."""

    database_url: str = field(repr=False)
    alert_webhook_url: str = field(repr=False)
    alert_smtp_url: str = field(repr=False)
    alert_mail_to: str
    backup_target: str
    backup_credentials_file: str
    backup_keep: str

    @classmethod
    def load(cls, config: pulumi.Config) -> Self:
        """Read and check the stack's configuration; raises SettingsError on the first fault."""
        _refuse_unknown_keys(config, {config_key(entry.name) for entry in fields(cls)})
        for name in _SECRET:
            _refuse_in_clear(config, config_key(name))
        return cls(**{entry.name: _require(config, entry.name, entry.type) for entry in fields(cls)})

    def __post_init__(self) -> None:
        """Check each value, then the values against each other."""
        self._check_identity()
        self._check_certificates()
        self._check_ports()
        self._check_networks()
        self._check_limits()
        self._check_stopped()
        self._check_engines()
        self._check_panel()
        checks.check_backup_target("backupTarget", self.backup_target)
        checks.parse_backup_keep("backupKeep", self.backup_keep)

    def _check_identity(self) -> None:
        checks.check_host_name("domain", self.domain)
        checks.check_mail("email", self.email)
        checks.check_username("adminUsername", self.admin_username)
        for name, choices in _CHOICES.items():
            checks.check_choice(config_key(name), getattr(self, name), choices)

    def _check_certificates(self) -> None:
        checks.check_directory("acmeDirectory", self.acme_directory)
        for name in ("tls_certificate_file", "tls_key_file"):
            if self.tls == "files" and not getattr(self, name):
                checks.refuse(config_key(name), "empty", "`tls: files` needs it")

    def _check_ports(self) -> None:
        for entry in fields(self):
            if entry.name.endswith("_port"):
                checks.check_port(config_key(entry.name), getattr(self, entry.name))
        for service, names in {**_TCP_OF_SERVICE, "sing-box": _SINGBOX_UDP}.items():
            self._check_distinct(service, names)

    def _check_distinct(self, service: str, names: tuple[str, ...]) -> None:
        # Each container has its own address, so only ports of one service and transport can clash.
        users: defaultdict[int, list[str]] = defaultdict(list)
        for name in names:
            users[getattr(self, name)].append(config_key(name))
        for port, keys in users.items():
            if len(keys) > 1:
                checks.refuse(keys[1], port, f"{keys[0]} of {service} uses that port already")

    def _check_networks(self) -> None:
        network = checks.check_network("networkSubnet", self.network_subnet)
        if checks.check_peers("vpnSubnet", self.vpn_subnet).overlaps(network):
            checks.refuse("vpnSubnet", self.vpn_subnet,
                          f"it must not overlap networkSubnet {self.network_subnet}")
        network6 = checks.parse_subnet6("networkSubnet6", self.network_subnet6)
        if checks.parse_subnet6("vpnSubnet6", self.vpn_subnet6).overlaps(network6):
            checks.refuse("vpnSubnet6", self.vpn_subnet6,
                          f"it must not overlap networkSubnet6 {self.network_subnet6}")
        if not self.dns_servers:
            checks.refuse("dnsServers", "empty", "clients need at least one resolver")
        for server in self.dns_servers:
            checks.check_address("dnsServers", server)
        self._check_egress()
        checks.check_time_zone("timeZone", self.time_zone)

    def _check_egress(self) -> None:
        control = Plan.of(self.domain, self.network_subnet, self.vpn_subnet).control_subnet
        own = {"networkSubnet": self.network_subnet, "vpnSubnet": self.vpn_subnet, "the control network": control}
        if self.ipv6:
            own |= {"networkSubnet6": self.network_subnet6, "vpnSubnet6": self.vpn_subnet6}
        for network in self.egress_allow:
            checks.check_egress_allowed("egressAllow", network, own)
        for network in self.egress_refuse:
            checks.parse_network("egressRefuse", network)

    def _check_panel(self) -> None:
        checks.check_database("databaseUrl", self.database_url)
        checks.check_target("alertWebhookUrl", self.alert_webhook_url, ("https", "http"))
        checks.check_target("alertSmtpUrl", self.alert_smtp_url, ("smtps", "smtp"))
        if self.alert_mail_to:
            checks.check_mail("alertMailTo", self.alert_mail_to)
        if bool(self.alert_smtp_url) != bool(self.alert_mail_to):
            missing, given = (("alertMailTo", "alertSmtpUrl") if self.alert_smtp_url
                              else ("alertSmtpUrl", "alertMailTo"))
            checks.refuse(missing, "empty", f"{given} is set and needs it")

    def _check_limits(self) -> None:
        for name in _LEAST_ONE:
            checks.check_at_least(config_key(name), getattr(self, name), 1)
        checks.check_at_least(
            "sessionTimeoutSeconds", self.session_timeout_seconds, _LEAST_SESSION_SECONDS)
        checks.check_at_least("openFilesLimit", self.open_files_limit, _LEAST_OPEN_FILES)
        checks.check_log_size("logMaxSize", self.log_max_size)
        for name in ("health_interval", "health_timeout", "health_start_period", "health_start_interval"):
            checks.duration_seconds(config_key(name), getattr(self, name))

    def _check_stopped(self) -> None:
        # In minimal mode too: what was stopped before the mode changed still is when it changes back.
        for service in self.stopped:
            checks.check_choice("stopped", service, SERVICES)

    def _check_engines(self) -> None:
        checks.check_data_dir("dataDir", self.data_dir)
        if not self.docker_host.startswith(("unix:///", "ssh://")):
            checks.refuse("dockerHost", self.docker_host, "it must begin with unix:/// or ssh://")
        fleet_hosts.check(self.hosts, docker_host=self.docker_host, domain=self.domain,
                          database_url=self.database_url, mode=self.mode)

    def of_host(self, host: fleet_hosts.FleetHost) -> "Settings":
        """Return what holds for one of the further hosts: all as here but its engine and its domain."""
        # What an operator has stopped is stopped on the panel's own server.
        return replace(self, docker_host=host.docker_host, domain=host.domain, hosts=(), stopped=[])


def _refuse_in_clear(config: pulumi.Config, key: str) -> None:
    if config.require(key) and not pulumi.runtime.config.is_config_secret(f"{config.name}:{key}"):
        raise SettingsError(f"{key} stands in clear in the stack's file, but it holds a secret. "
                            f"Encrypt it with `pulumi config set --secret {key} <value>`, and change that secret.")


def _require(config: pulumi.Config, name: str, kind: Any) -> Any:
    key = config_key(name)
    if kind is int:
        return config.require_int(key)
    if kind is bool:
        return config.require_bool(key)
    if kind is str:
        return config.require(key)
    if kind is Rotations:
        return Rotations.parse(key, config.require_object(key))
    if kind == tuple[fleet_hosts.FleetHost, ...]:
        return fleet_hosts.parse(key, config.require_object(key))
    return _string_list(key, config.require_object(key))


def _string_list(key: str, value: object) -> list[str]:
    # Pulumi.yaml cannot type what an array holds once a stack file overrides it.
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        checks.refuse(key, json.dumps(value), "it must be a list of strings")
    return value


def _refuse_unknown_keys(config: pulumi.Config, known: set[str]) -> None:
    """Refuse a key that Pulumi.yaml does not declare: Pulumi itself lets a misspelt one pass."""
    prefix = f"{config.name}:"
    for full_key in sorted(pulumi.runtime.config.CONFIG.get()):
        if full_key.startswith(prefix) and (key := full_key.removeprefix(prefix)) not in known:
            raise SettingsError(
                f"{key} is no configuration key, but only those in Pulumi.yaml are allowed. "
                f"Remove it with `pulumi config rm {key}`.")
