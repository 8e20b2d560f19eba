"""The part of a server's facts that users depend on, for tests."""

from dataclasses import dataclass

from panel.audit import Actor

OPERATOR = Actor(name="olga", address="192.0.2.7")


@dataclass(frozen=True, kw_only=True)
class Subnets:
    wireguard_subnet: str = "10.66.66.0/24"
    wireguard_subnet6: str = "fd9c:3b1e:7a20:2::/64"


SERVER = Subnets()
