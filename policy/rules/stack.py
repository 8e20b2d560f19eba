"""What holds for all resources together, once each of them is known.

Pulumi shows a stack's policies the outputs, in a preview those that it expects. What is not known there is left to
the update, and what has no sense at all to the policies of single resources, which run earlier.
"""

import ipaddress
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from policy.allowlists import CONTROL, EDGE, ENGINES, IMAGE_OWNERS, ONE_SHOT_JOBS, OWN_IMAGES, SERVICES
from policy.containers import capabilities, is_job, mounts
from policy.making import ADVISORY, ASVS, CRITICAL, HIGH, MEDIUM, NIST, About, StackFaults, on_stack
from policy.resources import CONTAINER, IMAGE, NETWORK, Resource
from policy.view import Finding

_Found = TypeVar("_Found")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resources = tuple[Resource, ...]

_DOOR, _PANEL, _TUNNEL = "caddy", "admin", "tunnel"


@on_stack(About(
    name="stack-exactly-one-publisher",
    description="Of all containers of a server one publishes ports, and it is Caddy.",
    remedy="Let Caddy alone have ports.",
    severity=CRITICAL, reference="5.9"))
def one_publisher(resources: Resources) -> StackFaults:
    for server in _servers(resources):
        publishers = [item for item in _containers(server) if _known(item, lambda read: read.views("ports"))]
        for publisher in publishers:
            if publisher.service != _DOOR:
                yield publisher, "it publishes ports beside Caddy"
        if not any(item.service == _DOOR for item in publishers):
            yield None, "nothing can be reached, for Caddy publishes no port"


@on_stack(About(
    name="stack-network-isolation",
    description="The daemons' management is on an internal network of its own, and every address is given once.",
    remedy="Make the two networks of components/network.py, with subnets apart, and give addresses by the plan.",
    severity=HIGH, reference="2.2"))
def network_isolation(resources: Resources) -> StackFaults:
    for server in _servers(resources):
        yield from _isolation_faults(server)


def _isolation_faults(resources: Resources) -> StackFaults:
    networks = {item.text("name"): item for item in resources if item.kind == NETWORK and item.knows("name")}
    for name in sorted({EDGE, CONTROL} - networks.keys()):
        yield None, f"there is no network {name}"
    if CONTROL in networks and networks[CONTROL].knows("internal") and not networks[CONTROL].flag("internal"):
        yield networks[CONTROL], "it leads out of the host"
    subnets = {name: _known(network, _subnets) for name, network in networks.items()}
    if any(one.overlaps(other) for one in subnets.get(EDGE, ()) for other in subnets.get(CONTROL, ())
           if one.version == other.version):
        yield networks[CONTROL], "its addresses are the other network's too"
    yield from _address_faults(resources, subnets)


@on_stack(About(
    name="stack-required-components",
    description="The server is Caddy and the panel, with all four engines or with none; a fleet has all engines on "
                "each server, and the panel and a tunnel on one.",
    remedy="Set mode to full or minimal, and take other containers to a stack of their own.",
    severity=MEDIUM, standard=NIST, reference="4.4.5"))
def required_components(resources: Resources) -> StackFaults:
    servers = _servers(resources)
    running = [{item.service for item in _containers(server) if not is_job(item)} for server in servers]
    with_panel = [names for names in running if _PANEL in names]
    if not with_panel:
        yield None, f"there is no {_PANEL}"
    for _ in with_panel[1:]:
        yield None, f"there is a second {_PANEL}"
    for names in running:
        yield from _server_faults(names, len(servers))
    for item in _containers(resources):
        if item.knows("name") and item.service not in SERVICES | ONE_SHOT_JOBS:
            yield item, "nobody has said what it is for"


def _server_faults(names: set[str], servers: int) -> StackFaults:
    if _DOOR not in names:
        yield None, f"there is no {_DOOR}"
    # A fleet's servers serve the same users; one alone may be a panel without engines.
    if (names & ENGINES or servers > 1) and not names >= ENGINES:
        yield None, f"there is no {', '.join(sorted(ENGINES - names))}, but there are other engines"
    if (_TUNNEL in names) != (_PANEL in names and servers > 1):
        yield None, f"there is {'a' if _TUNNEL in names else 'no'} {_TUNNEL}, which is beside the panel of a fleet only"


@on_stack(About(
    name="stack-net-admin-singleton",
    description="At most one container of a server has a capability beside NET_BIND_SERVICE.",
    remedy="Take it out of capabilities.adds of the others.",
    severity=HIGH, reference="5.4"))
def net_admin_singleton(resources: Resources) -> StackFaults:
    for server in _servers(resources):
        holders = [item for item in _containers(server) if _known(item, _added)]
        for holder in holders[1:]:
            yield holder, f"it has a capability beside {holders[0].subject}"


@on_stack(About(
    name="stack-built-images",
    description="A container has the very image that this stack has built for its service.",
    remedy="Give it the id that components/images.py has for its service.",
    severity=CRITICAL, reference="4.5, 5.28"))
def built_images(resources: Resources) -> StackFaults:
    built = {item.text("imageName"): item for item in resources if item.kind == IMAGE and item.knows("imageName")}
    for item in _containers(resources):
        owner = IMAGE_OWNERS.get(item.service)
        if owner is None or not item.knows("image"):
            continue
        image = built.get(OWN_IMAGES.format(owner))
        if image is None:
            yield item, f"no image is built for {owner}"
        elif not image.knows("repoDigest") or not image.text("repoDigest"):
            # What comes of an image that is yet to be built is not known either.
            yield item, "its image is known before it is built"
        elif item.text("image") != image.text("repoDigest"):
            yield item, f"it has another image than the one that is built for {owner}"


@on_stack(About(
    name="stack-volume-sharing",
    description="A volume of secrets has one job that fills it and one service that reads it.",
    remedy="Mount it in its own service only, read-only.",
    severity=MEDIUM, level=ADVISORY, standard=ASVS, reference="13.3.2"))
def volume_sharing(resources: Resources) -> StackFaults:
    users: dict[tuple[str, str], list[Resource]] = {}
    for item in _containers(resources):
        for mount in _known(item, lambda read: tuple(mounts(read))):
            if mount.source.endswith("-rendered"):
                users.setdefault((item.engine, mount.source), []).append(item)
    for (_, volume), found in sorted(users.items()):
        jobs = [item for item in found if is_job(item)]
        if len(found) > 2 or len(jobs) > 1:
            yield found[-1], f"{volume} is shared by {len(found)} containers, {len(jobs)} of which fill it"


def _known(resource: Resource, read: Callable[[Resource], tuple[_Found, ...]]) -> tuple[_Found, ...]:
    """Return what `read` finds, or nothing where it meets what is not known or has no sense."""
    try:
        return read(resource)
    except (Finding, ValueError):
        return ()


def _servers(resources: Resources) -> list[Resources]:
    """Return what each engine has; without any container there still is the one server that should be there."""
    engines = sorted({item.engine for item in _containers(resources)}) or [""]
    return [tuple(item for item in resources if item.engine == engine) for engine in engines]


def _containers(resources: Resources) -> list[Resource]:
    return [item for item in resources if item.kind == CONTAINER]


def _added(container: Resource) -> tuple[str, ...]:
    return tuple(set(capabilities(container, "adds")) - {"NET_BIND_SERVICE"})


def _subnets(network: Resource) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(config.text("subnet")) for config in network.views("ipamConfigs"))


def _address_faults(resources: Resources, subnets: dict[str, tuple[_Network, ...]]) -> StackFaults:
    given: Counter[str] = Counter()
    for item in _containers(resources):
        for network, address in _known(item, _addresses):
            given[str(address)] += 1
            if given[str(address)] > 1:
                yield item, f"its address {address} is another's too"
            # A network that is not known yet has no subnets here.
            if subnets.get(network) and not any(address in subnet for subnet in subnets[network]):
                yield item, f"its address {address} lies outside its network"


def _addresses(container: Resource) -> tuple[tuple[str, ipaddress.IPv4Address | ipaddress.IPv6Address], ...]:
    """Return each address with the name of its network, which is empty if it is not known."""
    found = []
    for place in container.views("networksAdvanced"):
        network = place.text("name") if place.knows("name") else ""
        found += [(network, ipaddress.ip_address(text)) for key in ("ipv4Address", "ipv6Address")
                  if place.knows(key) and (text := place.text(key))]
    return tuple(found)
