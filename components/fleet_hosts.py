"""The further hosts of a fleet, as the configuration's key `hosts` names them; each rule is told in one sentence.

The panel's own server is `dockerHost` and `domain`, as without a fleet, and is called `main`.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn, Self
from urllib.parse import urlsplit

from . import checks, ssh
from .errors import SettingsError

KEY = "hosts"
MAIN = "main"
"""What the panel's own server is called beside them."""

RESERVED = frozenset({MAIN, "writer", "image", "rendered", "delivery", "seed", "data", "config", "site"})
"""What names of resources end with anyhow."""

MOST_HOSTS = 100
"""Each takes four ports of the tunnel's. No more than ten were measured (docs/performance.md, docs/scaling.md)."""

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
_REQUIRED = {"name", "dockerHost", "domain", "hostKey"}
_OPTIONAL = {"sshAddress"}
_SSH_PORT = 22
# What sshd makes by itself, without DSA (ssh-keygen -A); the tunnel takes no other.
_KEY_TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
_ADDRESS = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9.-]*)(:([0-9]{1,5}))?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class FleetHost:
    """One further host."""

    name: str
    docker_host: str
    domain: str
    """A domain of its own: where one is blocked by its name the others are not."""

    host_key: str
    """The host's own SSH key, such as `ssh-ed25519 AAAA...`, by which the tunnel knows it again."""

    ssh_address: str
    """HOST:PORT at which the panel's host reaches its SSH server."""

    @property
    def suffix(self) -> str:
        """What the names of its resources end with."""
        return f"-{self.name}"

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read one object; raises SettingsError on the first fault."""
        if not isinstance(value, dict) or not _REQUIRED <= value.keys() <= _REQUIRED | _OPTIONAL:
            _refuse(KEY, value, f"each entry must have {', '.join(sorted(_REQUIRED))}, and may have sshAddress")
        if other := next((key for key, given in value.items() if not isinstance(given, str)), None):
            _refuse(f"{KEY}.{other}", value[other], "it must be a text")
        name = value["name"]
        if not _NAME.fullmatch(name) or name in RESERVED:
            _refuse(f"{KEY}.name", name, "it must consist of at most 32 lower-case letters, digits and hyphens, begin "
                                         f"with a letter, and be none of {', '.join(sorted(RESERVED))}")
        return cls(name=name, docker_host=_docker_host(name, value["dockerHost"]), domain=_domain(name, value),
                   host_key=_host_key(name, value["hostKey"]), ssh_address=_ssh_address(name, value))


def parse(key: str, value: object) -> tuple[FleetHost, ...]:
    """Read the list; raises SettingsError on the first fault."""
    if not isinstance(value, list):
        _refuse(key, value, "it must be a list of hosts")
    return tuple(map(FleetHost.parse, value))


def check(hosts: Sequence[FleetHost], *, docker_host: str, domain: str, database_url: str, mode: str) -> None:
    """Refuse a fleet that cannot be served, given the panel's own server and its database."""
    if not hosts:
        return
    if len(hosts) > MOST_HOSTS:
        _refuse(KEY, f"{len(hosts)} hosts", f"one panel serves {MOST_HOSTS} at most")
    for what, own, given in (
            ("name", MAIN, [host.name for host in hosts]),
            ("dockerHost", docker_host, [host.docker_host for host in hosts]),
            ("domain", domain.lower(), [host.domain.lower() for host in hosts])):
        seen = {own}
        for value in given:
            if value in seen:
                _refuse(f"{KEY}.{what}", value, "each host, the panel's own too, has one of its own")
            seen.add(value)
    names = [host.name for host in hosts]
    for name in names:
        if longer := next((other for other in names if other.endswith(f"-{name}")), None):
            # Resources are chosen by the end of their names.
            _refuse(f"{KEY}.name", longer, f"it ends as the name of another host does, {name}")
    if mode != "full":
        raise SettingsError(f"mode is {mode}, but hosts names further servers, which have all engines. "
                            "Set it with `pulumi config set mode full`, or take the hosts out.", key="mode")
    if not database_url:
        raise SettingsError(
            "databaseUrl is empty, but the panel of a fleet keeps its data in PostgreSQL. Set it with "
            "`pulumi config set --secret databaseUrl postgresql+psycopg://user:password@host/name`.", key="databaseUrl")


def _refuse(key: str, value: object, rule: str) -> NoReturn:
    fault = f"{key} is {value}, but {rule}."
    raise SettingsError(
        f"{fault} Change it in the stack's file, or with `ops hosts`; docs/fleet.md says how.", key=KEY, fault=fault)


def _docker_host(name: str, value: str) -> str:
    if not value.startswith(("unix:///", "ssh://")):
        _refuse(f"{KEY}.dockerHost of {name}", value, "it must begin with ssh:// or unix:///")
    return value


def _domain(name: str, value: dict[str, str]) -> str:
    try:
        checks.check_host_name(f"{KEY}.domain of {name}", value["domain"])
    except SettingsError as error:
        raise SettingsError(f"{error.fault} Change it in the stack's file, or with `ops hosts`.", key=KEY,
                            fault=error.fault) from error
    return value["domain"]


def _host_key(name: str, value: str) -> str:
    kind, _, encoded = value.strip().partition(" ")
    encoded = encoded.partition(" ")[0]
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raw = b""
    # RFC 4253 section 6.6: the blob begins with the length and the text of its type.
    if kind not in _KEY_TYPES or raw[4:4 + len(kind)] != kind.encode():
        _refuse(f"{KEY}.hostKey of {name}", value or "empty",
                "it must be a line of the host's /etc/ssh/ssh_host_ed25519_key.pub")
    return f"{kind} {encoded}"


def _ssh_address(name: str, value: dict[str, str]) -> str:
    place = f"{KEY}.sshAddress of {name}"
    given = value.get("sshAddress", "") or _of_url(value["dockerHost"])
    if not given:
        _refuse(place, "empty", f"{value['dockerHost']} does not say where its SSH server is")
    found = _ADDRESS.fullmatch(given)
    port = int(found[3] or _SSH_PORT) if found else 0
    if found is None or not 0 < port <= 65535:
        _refuse(place, given, "it must be HOST or HOST:PORT")
    return f"{found[1]}:{port}"


def _of_url(docker_host: str) -> str:
    if not ssh.is_ssh(docker_host):
        return ""
    return urlsplit(docker_host).netloc.rpartition("@")[2]
