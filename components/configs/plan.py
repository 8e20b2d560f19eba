"""Who has which address and which host name; computed once, used by every configuration."""

import ipaddress
from dataclasses import dataclass
from typing import Self

# The last octet of each service on both networks.
HOST_NUMBERS = {"caddy": 10, "xray": 11, "trojan": 12, "singbox": 13, "wireguard": 14, "admin": 15, "tunnel": 16}
# One /24 out of each /16 that Docker's users expect containers in; two subnets cannot cover all of them
# without being larger than checks.py allows.
_CONTROL_SUBNETS = tuple(ipaddress.IPv4Network(f"172.{second}.0.0/24") for second in (*range(21, 32), 20, 19))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Addresses and names of one server."""

    domain: str
    edge_subnet: str
    control_subnet: str
    edge_subnet6: str | None
    """None when IPv6 is off. The control network has none in any case."""

    @classmethod
    def of(cls, domain: str, network_subnet: str, vpn_subnet: str, network_subnet6: str | None = None) -> Self:
        """Lay out the networks: the control network is the first free of a fixed list."""
        taken = [ipaddress.IPv4Network(network_subnet), ipaddress.IPv4Network(vpn_subnet)]
        control = next(net for net in _CONTROL_SUBNETS if not any(net.overlaps(other) for other in taken))
        return cls(domain=domain, edge_subnet=network_subnet, control_subnet=str(control),
                   edge_subnet6=network_subnet6)

    @property
    def edge_gateway(self) -> str:
        """First address of the edge network."""
        return _host(self.edge_subnet, 1)

    @property
    def edge_gateway6(self) -> str | None:
        """First IPv6 address of the edge network, or None when IPv6 is off."""
        return _host(self.edge_subnet6, 1) if self.edge_subnet6 else None

    @property
    def control_gateway(self) -> str:
        """First address of the control network."""
        return _host(self.control_subnet, 1)

    def edge(self, service: str) -> str:
        """Address of a service on the edge network."""
        return _host(self.edge_subnet, HOST_NUMBERS[service])

    def edge6(self, service: str) -> str | None:
        """IPv6 address of a service on the edge network, or None when IPv6 is off."""
        # Hexadecimal of the same number: ...::e is 172.20.0.14.
        return _host(self.edge_subnet6, HOST_NUMBERS[service]) if self.edge_subnet6 else None

    def control(self, service: str) -> str:
        """Address of a service on the control network."""
        return _host(self.control_subnet, HOST_NUMBERS[service])

    def name(self, label: str) -> str:
        """Host name under the domain: www, cdn, img, app, q or t."""
        return f"{label}.{self.domain}"

    def names(self, *labels: str) -> list[str]:
        """Host names under the domain."""
        return [self.name(label) for label in labels]


def _host(subnet: str, number: int) -> str:
    return str(ipaddress.ip_network(subnet).network_address + number)
