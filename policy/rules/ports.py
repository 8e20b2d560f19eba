"""Who can be reached from outside."""

from policy.allowlists import PORTS
from policy.making import ADVISORY, CRITICAL, LOW, About, Faults, on_each
from policy.resources import CONTAINER, Resource


@on_each(About(
    name="docker-container-only-caddy-publishes",
    description="Caddy alone publishes ports, and those of a web site only.",
    remedy="Take it out of ports; what must be reached goes by Caddy.",
    severity=CRITICAL, reference="5.8, 5.9"), CONTAINER)
def only_caddy_publishes(container: Resource) -> Faults:
    if container.flag("publishAllPorts"):
        yield "it publishes every port that its image names"
    outside: dict[str, set[float | None]] = {}
    for port in container.views("ports"):
        # Docker's own default for the protocol.
        inside = f"{port.number('internal')}/{port.text('protocol') or 'tcp'}"
        if inside not in PORTS.get(container.service, frozenset()):
            yield f"it publishes {inside}, so that everybody can reach it past Caddy"
        outside.setdefault(inside, set()).add(port.number("external"))
    for inside, places in outside.items():
        if len(places) > 1:
            yield f"it publishes {inside} on {len(places)} ports of the host, and one is its door"


@on_each(About(
    name="docker-container-explicit-bind-ip",
    description="A published port says on which addresses of the host.",
    remedy="Set ports[].ip, such as 0.0.0.0 for every IPv4 address.",
    severity=LOW, level=ADVISORY, reference="5.14"), CONTAINER)
def explicit_bind_ip(container: Resource) -> Faults:
    for port in container.views("ports"):
        if not port.text("ip"):
            yield f"it publishes {port.number('internal')} on no address by name"
