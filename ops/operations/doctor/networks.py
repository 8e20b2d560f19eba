"""Checks of the two networks: whether they are there, whole, and in nobody's way."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from components.configs.plan import HOST_NUMBERS

from .findings import Case, Finding
from .firewall import bridge_of

EDGE, CONTROL = "stealth-vpn", "stealth-control"
# RFC 9000 section 14: a path of QUIC carries 1200 bytes and the heads of UDP and IPv6.
_LEAST_PACKET_BYTES = 1280


def check(case: Case) -> Iterator[Finding]:
    """Look at both networks."""
    if not case.is_deployed:
        return
    for name, network in ((EDGE, case.edge), (CONTROL, case.network(CONTROL))):
        if not network:
            yield Finding(check="networks", name="network-missing", fault=f"The network {name} is not there.",
                          fix="make up", repair=case.by_deploy())
            continue
        yield from _of_subnet(case, name, network)
        yield from _of_members(case, name, network)
        yield from _of_link(case, name, network)
    yield from _of_routes(case)
    yield from _of_ipv6(case)


def _of_subnet(case: Case, name: str, network: dict[str, Any]) -> Iterator[Finding]:
    subnets = [entry.get("Subnet") for entry in network["IPAM"]["Config"] or []]
    if name == EDGE and case.target.network_subnet not in subnets:
        yield Finding(check="networks", name="network-other-subnet", fix="make up", repair=case.by_deploy(),
                      fault=f"The network {EDGE} has {', '.join(map(str, subnets))}, but networkSubnet is "
                            f"{case.target.network_subnet}.")


def _of_members(case: Case, name: str, network: dict[str, Any]) -> Iterator[Finding]:
    there = {entry["Name"]: str(entry.get("IPv4Address", "")).partition("/")[0]
             for entry in (network.get("Containers") or {}).values()}
    base = ipaddress.ip_network(str((network["IPAM"]["Config"] or [{}])[0].get("Subnet"))).network_address
    for service in case.services:
        # Caddy needs nothing of the panel's network.
        if not service.runs or service.name not in HOST_NUMBERS or (name, service.name) == (CONTROL, "caddy"):
            continue
        wanted, found = str(base + HOST_NUMBERS[service.name]), there.get(service.container)
        if found == wanted:
            continue
        connect = ("network", "connect", "--ip", wanted, name, service.container)
        leave = f"docker network disconnect {name} {service.container} && " if found else ""
        yield Finding(
            check="networks", name="network-other-address" if found else "network-left", subject=service.name,
            fault=f"{service.name} has {found} on the network {name}, but must have {wanted}." if found
            else f"{service.name} is not on the network {name}.",
            fix=f"{leave}docker {' '.join(connect)}",
            repair=None if found else case.by_docker(f"puts {service.container} on {name} again", *connect))


def _of_link(case: Case, name: str, network: dict[str, Any]) -> Iterator[Finding]:
    links, bridge = (case.facts.links if case.facts else {}), bridge_of(network)
    if not links:
        return
    packet_bytes, is_up = links.get(bridge, (0, False))
    if not is_up:
        yield Finding(check="networks", name="bridge-down", fix=f"sudo ip link set {bridge} up",
                      fault=f"The interface {bridge} of the network {name} is {'down' if packet_bytes else 'gone'}.",
                      repair=case.on_host(f"brings {bridge} up", f"ip link set {bridge} up"))
    outer = case.facts.outer_link if case.facts else ""
    lines = [bridge, outer] if name == EDGE and outer else [bridge]
    for link in lines:
        if 0 < links.get(link, (0, False))[0] < _LEAST_PACKET_BYTES:
            yield Finding(check="networks", name="packets-small", fix=f"sudo ip link set {link} mtu 1500",
                          fault=f"The interface {link} carries packets of {links[link][0]} bytes, but QUIC, and so "
                                f"Hysteria2 and TUIC, needs {_LEAST_PACKET_BYTES}.")


def _of_routes(case: Case) -> Iterator[Finding]:
    """Look for another network of the machine that has the same addresses."""
    ours = {bridge_of(network): ipaddress.ip_network(str(network["IPAM"]["Config"][0]["Subnet"]))
            for network in (case.edge, case.network(CONTROL)) if network and network["IPAM"]["Config"]}
    routes = re.findall(r"^(\d\S+) .*?\bdev (\S+)", case.facts.text("routes") if case.facts else "", re.MULTILINE)
    for subnet, link in routes:
        for bridge, network in ours.items():
            other = ipaddress.ip_network(subnet, strict=False)
            if link != bridge and other.overlaps(network):
                yield Finding(check="networks", name="network-overlaps",
                              fault=f"{link} of the engine's machine leads to {other}, which are addresses of the "
                                    f"containers' network {network} too.",
                              fix="pulumi config set networkSubnet SUBNET, with one that is free, then make up")


def _of_ipv6(case: Case) -> Iterator[Finding]:
    if case.target.ipv6 not in {True, "true"}:
        return
    if case.edge and not case.edge.get("EnableIPv6"):
        yield Finding(check="networks", name="network-without-ipv6", fix="make up", repair=case.by_deploy(),
                      fault="ipv6 is true, but the network stealth-vpn has none.")
    if case.facts and case.facts.links and not case.facts.text("routes6"):
        yield Finding(check="networks", name="ipv6-missing",
                      fix="pulumi config set ipv6 false, then make up; or let the machine's provider give it IPv6",
                      fault="ipv6 is true, but the engine's machine has no way to the internet by IPv6.")
