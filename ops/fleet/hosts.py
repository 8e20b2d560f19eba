"""The further hosts of a stack, as its file names them; the program's own Settings judges them (fleet_hosts.py)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from components import ssh

from ..docker import Engine
from ..errors import OperatorError
from ..target import PROJECT, Target, settings

KEY = "hosts"
MAIN = "main"
"""What the panel's own server is called beside them."""

SERVICES = ("caddy", "singbox", "trojan", "wireguard", "xray")
"""What a further host runs."""

_SERVER = f"{PROJECT}:fleet:Server"


@dataclass(frozen=True, kw_only=True)
class Host:
    """One further host."""

    name: str
    docker_host: str
    domain: str
    is_set_up: bool = False
    """Whether a deploy makes its machine ready: Docker may be missing there before the first one."""

    @property
    def engine(self) -> Engine:
        """Its Docker Engine."""
        return Engine(self.docker_host)

    def target(self, main: Target) -> Target:
        """Return it as the commands for one server see it: nothing of it is stopped by them."""
        return replace(main, docker_host=self.docker_host, domain=self.domain, services=SERVICES, stopped=frozenset())

    def patterns(self) -> list[str]:
        """Return patterns of the URNs of all that stands on its engine; one that finds nothing is none to Pulumi."""
        return [f"urn:pulumi:*::{PROJECT}::{_SERVER}$**::**-{self.name}",
                f"urn:pulumi:*::{PROJECT}::{_SERVER}::server-{self.name}",
                f"urn:pulumi:*::{PROJECT}::pulumi:providers:docker::engine-{self.name}"]


def of(values: Mapping[str, Any]) -> list[Host]:
    """Return the further hosts of a stack's settings; raises OperatorError where they are none."""
    entries = values.get(KEY) or []
    try:
        return [Host(name=str(entry["name"]), docker_host=(address := str(entry["dockerHost"])),
                     domain=str(entry["domain"]),
                     is_set_up=ssh.is_ssh(address) and values.get("hostSetup", True) in {True, "true"})
                for entry in entries]
    except (TypeError, KeyError) as error:
        raise OperatorError(f"{KEY} must be a list of objects with name, dockerHost, domain and hostKey. Change it in "
                            "the stack's file; docs/fleet.md shows one.") from error


def read(stack: str) -> list[Host]:
    """Return the further hosts of a stack; none of a server alone."""
    return of(settings(stack))


def target(stack: str, host: str = "") -> Target:
    """Return where a stack goes, or its further host of that name; raises OperatorError if there is none."""
    main = Target.read(stack)
    return one(read(stack), host).target(main) if host else main


def refuse_fleet(stack: str) -> None:
    """Raise OperatorError if a stack has further hosts, for commands that take the services of one server by turns."""
    if read(stack):
        raise OperatorError(f"stack {stack} is a fleet, but this command knows the panel's own server only. A fleet's "
                            "servers are brought forward together: by `git pull` and `make up`.")


def one(hosts: Sequence[Host], name: str) -> Host:
    """Return the host of that name; raises OperatorError if there is none."""
    for host in hosts:
        if host.name == name:
            return host
    known = ", ".join(host.name for host in hosts) or "none"
    raise OperatorError(f"there is no further host {name}; there are: {known}. `ops hosts list` shows all.")


def exclusions(hosts: Iterable[Host]) -> list[str]:
    """Return Pulumi's words that leave out what stands on these hosts."""
    return [word for host in hosts for pattern in host.patterns() for word in ("--exclude", pattern)]


def is_further(urn: str) -> bool:
    """Tell whether a resource is a part of a further host's server, and not of the panel's own."""
    return f"{_SERVER}::" in urn or f"{_SERVER}$" in urn


def is_of(urn: str, name: str) -> bool:
    """Tell whether a resource is one of a host's: of its server, its provider, or its secrets."""
    kind, _, own = urn.rpartition("::")
    if not own.endswith(f"-{name}"):
        return False
    return is_further(urn) or kind.endswith("::pulumi:providers:docker") or f"::{PROJECT}:random:Secrets" in kind
