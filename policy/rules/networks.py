"""The networks, and who is on which."""

import ipaddress

from policy.allowlists import CONTROL, EDGE, HOST_NUMBERS, NETWORKS
from policy.containers import is_job
from policy.making import HIGH, About, Faults, on_each
from policy.resources import CONTAINER, NETWORK, Resource
from policy.view import View

# RFC 1918 and RFC 4193.
_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
# With networksAdvanced Docker takes the container off its default bridge before it starts.
_MODES = {"", "bridge", "default"}


@on_each(About(
    name="docker-container-project-network-only",
    description="A service is on the project's networks only, at fixed addresses; a one-shot job is on none.",
    remedy="Set networksAdvanced to the networks that policy/allowlists.py names for it, each with ipv4Address; "
           "networkMode is none for one-shot jobs and unset otherwise.",
    severity=HIGH, reference="5.30, 2.2"), CONTAINER)
def project_network_only(container: Resource) -> Faults:
    places, mode = container.views("networksAdvanced"), container.text("networkMode")
    if is_job(container):
        if places or mode != "none":
            yield "it is on a network, but it only carries files"
        return
    if mode not in _MODES:
        yield f"its networkMode is {mode.partition(':')[0]}"
    expected = NETWORKS.get(container.service, frozenset())
    # A network that is yet to be made may have no name yet.
    named = [place.text("name") for place in places if place.knows("name")]
    for name in named:
        if name not in expected:
            yield f"it is on the network {name}, where it does not belong"
    if len(places) != len(expected) or len(set(named)) != len(named):
        yield f"it is on {len(places)} networks instead of {len(expected)}"
    for place in places:
        yield from _address_faults(place, HOST_NUMBERS.get(container.service))


def _address_faults(place: View, number: int | None) -> Faults:
    if not _is_private_address(place.text("ipv4Address"), 4):
        yield "it has no fixed private IPv4 address on a network"
    if (address := place.text("ipv6Address")) and not _is_private_address(address, 6):
        yield "it has an IPv6 address that is not unique local"
    for address in (place.text("ipv4Address"), place.text("ipv6Address")):
        # A subnet of at least 256 addresses begins with a zero byte.
        if address and number is not None and _last_byte(address) not in {number, None}:
            yield f"its address {address} is not the one with the number {number}"


@on_each(About(
    name="docker-network-configure-subnet",
    description="A network is a bridge of private addresses, open to nobody else; the management one is internal.",
    remedy="Make it as components/network.py does: driver bridge, a private subnet in ipamConfigs, no options, "
           "not attachable, and internal if it is stealth-control.",
    severity=HIGH, reference="2.2"), NETWORK)
def network_subnet(network: Resource) -> Faults:
    name = network.text("name")
    if name not in {EDGE, CONTROL}:
        yield f"{name or 'a name of its own'} is none of the project's networks"
    if network.text("driver") != "bridge":
        yield "its driver is not bridge"
    for flag in ("attachable", "ingress"):
        if network.flag(flag):
            yield f"it is {flag}"
    if bool(network.flag("internal")) != (name == CONTROL):
        yield "it is internal, but the server's traffic takes it" if name == EDGE else "it leads out of the host"
    if network.text("ipamDriver") not in {"", "default"}:
        yield "another program gives its addresses"
    for option in (*network.view("options").names(), *network.view("ipamOptions").names()):
        yield f"it has the option {option}, which may open it to the host's neighbours"
    yield from _subnet_faults(network)


def _subnet_faults(network: Resource) -> Faults:
    subnets = [config.text("subnet") for config in network.views("ipamConfigs")]
    for subnet in subnets:
        if not _is_private(subnet):
            yield f"its subnet {subnet or 'none'} is not private"
    if not any("." in subnet for subnet in subnets):
        yield "it has no IPv4 subnet of its own"
    if network.flag("ipv6") and not any(":" in subnet for subnet in subnets):
        yield "it has IPv6 without a subnet of its own"


def _last_byte(address: str) -> int | None:
    try:
        return ipaddress.ip_address(address).packed[-1]
    except ValueError:
        return None


def _is_private_address(text: str, version: int) -> bool:
    return "/" not in text and _is_private(text) and ipaddress.ip_address(text).version == version


def _is_private(text: str) -> bool:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return False
    return any(network.version == private.version and private.overlaps(network)
               and private.prefixlen <= network.prefixlen for private in _PRIVATE)
