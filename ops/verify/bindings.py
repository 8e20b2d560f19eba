"""Published ports, written the same whichever part of the engine told of them."""


def bindings(ports: object) -> frozenset[str]:
    """Return published ports, each as `address:port->port/transport`, as the engine prints them anywhere."""
    if not isinstance(ports, dict):
        return frozenset()
    return frozenset(f"{bound.get('HostIp') or '0.0.0.0'}:{bound.get('HostPort') or 'any'}->{inside}"  # noqa: S104 - what empty means
                     for inside, places in ports.items() for bound in places or [])


def outside(port: str) -> str:
    """Return a published port as the host has it, `address:port/transport`."""
    return f"{port.partition('->')[0]}/{port.rpartition('/')[2]}"
