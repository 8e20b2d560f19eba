"""Which hosts a user is told of, and which protocols they may use there now."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..config import ServerFacts
from ..protocols import PROTOCOLS, open_protocols
from ..store.models import MAIN, User


@dataclass(frozen=True, kw_only=True)
class Way:
    """One protocol at one host, as the client programs' configurations need it."""

    protocol: str
    server: ServerFacts
    secret: Any
    """The client's half, in the form that panel/protocols.py describes."""

    mark: str
    """What keeps names of a host's apart from those of others: its domain after a space, or nothing."""

    @property
    def title(self) -> str:
        """What programs call this way; no two of a user's are called the same."""
        return PROTOCOLS[self.protocol].title + self.mark


@dataclass(frozen=True, kw_only=True)
class Told:
    """The hosts that a user is told of."""

    own: ServerFacts
    """The panel's server, by whose name the user's link goes even when it is none of the hosts."""

    servers: Mapping[str, ServerFacts]
    """By the host's name, the one first that programs should try first; never empty."""

    is_fleet: bool
    """Whether there are other hosts, so that names must tell them apart, even if one alone is told now."""

    @classmethod
    def of(cls, server: ServerFacts) -> Self:
        """Return what is told where there is one server."""
        return cls(own=server, servers={MAIN: server}, is_fleet=False)

    @property
    def first(self) -> ServerFacts:
        """The server that a form tells of which has room for one."""
        return next(iter(self.servers.values()))

    @property
    def authority(self) -> str:
        """The private roots of all hosts in PEM; empty where every system knows their authorities."""
        return "\n".join(dict.fromkeys(server.authority for server in self.servers.values() if server.authority))

    def only(self, name: str) -> Self:
        """Return the same with one of the hosts; raises KeyError if the user is not told of it."""
        return type(self)(own=self.own, servers={name: self.servers[name]}, is_fleet=self.is_fleet)

    def mark(self, server: ServerFacts) -> str:
        """Return what keeps the names of that host's ways apart."""
        return f" {server.domain}" if self.is_fleet else ""

    def ways(self, user: User, among: Container[str]) -> list[Way]:
        """Return the user's ways by these protocols, in the order in which programs should try them."""
        return [Way(protocol=name, server=server, secret=user.secrets[name], mark=self.mark(server))
                for server in self.servers.values() for name in usable(server, user) if name in among]


def usable(server: ServerFacts, user: User) -> list[str]:
    """Return the protocols that are open for the user now, in the order in which clients should try them."""
    return open_protocols(user, server) if user.status == "active" else []
