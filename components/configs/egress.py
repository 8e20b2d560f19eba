"""Where clients may go through the server: the egress guard's rules (docs/egress.md)."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from components.rendering import render
from components.settings import Settings

REFUSED_NETWORKS = (
    # Of the IANA IPv4 special-purpose registry (RFC 6890) all but the documentation's ranges: nobody is there, and the
    # tests' outside world is.
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
    # All but 2000::/3, the one range that IANA gives out for the public internet: so no loopback, link-local, unique
    # local or multicast address, and no form that holds an IPv4 one (::a.b.c.d, ::ffff:0:0/96, 64:ff9b::/96).
    "::/3", "4000::/2", "8000::/1",
    # Within it, protocols' own (RFC 2928), with Teredo, and 6to4 (RFC 3056): both hold an IPv4 address.
    "2001::/23", "2002::/16",
)
"""Where no client may go by default: the server's containers, its host, its provider's services, private networks."""


def files(settings: Settings) -> dict[str, str]:
    """Return the rules of the guard that is compiled into a daemon (images/builder/egress)."""
    return {"egress.json": render(
        "egress/egress.json.j2", resolvers=settings.dns_servers,
        # A single address gets its prefix, which the guard wants.
        allowed=_texts(map(ip_network, settings.egress_allow)),
        refused=_texts(map(ip_network, [*REFUSED_NETWORKS, *settings.egress_refuse])))}


def packet_filter(settings: Settings) -> list[str]:
    """Return the same rules for nftables, in their order."""
    return [*_rules(settings.egress_allow, "accept"),
            *_rules([*REFUSED_NETWORKS, *settings.egress_refuse], "drop")]


def _rules(networks: Iterable[str], verdict: str) -> list[str]:
    parsed = [ip_network(network) for network in networks]
    # nft(8) refuses a set whose ranges overlap.
    merged = {"ip": _texts(collapse_addresses(net for net in parsed if isinstance(net, IPv4Network))),
              "ip6": _texts(collapse_addresses(net for net in parsed if isinstance(net, IPv6Network)))}
    return [f"{family} daddr {{ {', '.join(members)} }} {verdict}" for family, members in merged.items() if members]


def _texts(networks: Iterable[object]) -> list[str]:
    return [str(network) for network in networks]
