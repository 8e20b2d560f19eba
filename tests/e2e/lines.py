"""Lines: links between a container and this machine that are no network of Docker's.

Docker lets its own networks reach a published port by its userland proxy only, which hides the client's address and
every MTU. What comes by a line is routed, translated and filtered like packets from the internet, with this machine
as the last router before the server.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network

from tests.e2e.deployment import MACHINE, docker

FAR_ORIGIN = "e2e-far-origin"
# Has ip, nft and nsenter, so that the machine that runs the tests need not.
_IMAGE = "stealth-vpn/wireguard:local"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line with a subnet of each family; the machine has the first address, the container the second."""

    name: str
    subnet: str
    subnet6: str
    mtu: int = 1500
    """In bytes, at both ends."""

    def near(self, version: int) -> str:
        """The machine's address of that IP version."""
        return str(ip_network(self.subnet6 if version == 6 else self.subnet)[1])

    def far(self, version: int) -> str:
        """The container's address of that IP version."""
        return str(ip_network(self.subnet6 if version == 6 else self.subnet)[2])


def client_line(number: int, mtu: int = 1500) -> Line:
    """Return the line of a client; numbers from 0 to 47."""
    # Not from the range's begin: some machines have an address there themselves.
    return Line(name=f"e2e-line-{number}", mtu=mtu, subnet=f"192.0.2.{64 + 4 * number}/30",
                subnet6=f"2001:db8:2:{number:x}::/64")


@contextmanager
def machine() -> Iterator[None]:
    """Keep a container with the machine's own network and processes, for as long as the block lasts."""
    docker("rm", "--force", MACHINE, check=False)
    # A test restarts the engine, and later ones still need it.
    docker("run", "--detach", "--restart", "always", "--name", MACHINE, "--init", "--privileged",
           "--network", "host", "--pid", "host", "--entrypoint", "/usr/bin/sleep", _IMAGE, "infinity")
    try:
        yield
    finally:
        docker("rm", "--force", MACHINE)


def on_machine(command: str) -> str:
    """Run a shell command with the machine's network, as root, and return what it prints."""
    return docker("exec", MACHINE, "/bin/sh", "-ec", command)


def attach(container: str, line: Line) -> None:
    """Give a running container the line; it ends with the container."""
    pid = docker("inspect", "--format", "{{.State.Pid}}", container)
    on_machine(f"""
        ip link add {line.name} mtu {line.mtu} type veth peer name line mtu {line.mtu} netns {pid}
        {_addresses("ip", line.name, line.subnet, line.subnet6, 1)}
        {_addresses(f"nsenter --target {pid} --net ip", "line", line.subnet, line.subnet6, 2)}
        nsenter --target {pid} --net ip route add default via {line.near(4)} dev line
        nsenter --target {pid} --net ip route add default via {line.near(6)} dev line""")


def _addresses(ip: str, device: str, subnet: str, subnet6: str, number: int) -> str:
    pairs = [(ip_network(text)[number], ip_network(text).prefixlen) for text in (subnet, subnet6)]
    return "\n".join([f"{ip} link set {device} up",
                      *(f"{ip} address add {address}/{length} dev {device} "
                        f"{'nodad' if address.version == 6 else ''}" for address, length in pairs)])


@contextmanager
def far_origin() -> Iterator[Line]:
    """Run an origin on a line of its own: this machine is a router between it and the server, whose address it sees.

    It serves the cover site on port 8080, and writes JSON about each request to its log.
    """
    line = Line(name="e2e-far", subnet="203.0.113.128/30", subnet6="2001:db8:113:1::/64")
    docker("rm", "--force", FAR_ORIGIN, check=False)
    docker("run", "--detach", "--name", FAR_ORIGIN, "--network", "none", "--entrypoint", "/usr/local/bin/caddy",
           "stealth-vpn/caddy:local", "file-server", "--root", "/srv/site", "--listen", ":8080", "--access-log")
    try:
        attach(FAR_ORIGIN, line)
        yield line
    finally:
        docker("rm", "--force", FAR_ORIGIN)


def set_mtu(container: str, line: Line, mtu: int) -> None:
    """Make the line narrower or wider at both ends."""
    pid = docker("inspect", "--format", "{{.State.Pid}}", container)
    on_machine(f"ip link set {line.name} mtu {mtu}; nsenter --target {pid} --net ip link set line mtu {mtu}")
