"""The tunnel from the panel to the agents of a fleet's further hosts; a server without them has none."""

from collections.abc import Mapping, Sequence

from .configs import tunnel
from .configs.plan import Plan
from .daemon import Daemon, DaemonArgs, Deployment, texts
from .fleet_hosts import FleetHost
from .secrets import Secrets


def create(
    deployment: Deployment, secrets: Secrets, hosts: Sequence[FleetHost], plans: Mapping[str, Plan],
) -> Daemon:
    """Make the daemon; it is well as long as it runs, for a host that is away must hold up no deploy of the others."""
    rendered = secrets.tunnel.apply(lambda keys: tunnel.files(deployment.plan, hosts, plans, keys))
    return Daemon("tunnel", deployment, DaemonArgs(
        user="10007:10007", files=texts(rendered, "tunnel.json"),
        probe=["/usr/local/bin/probe", "http", f"http://{tunnel.status()}/status"],
        # By the one it goes out to the hosts, on the other the panel finds it.
        attachments=[deployment.edge("tunnel"), deployment.control("tunnel")]))
