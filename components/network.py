"""The two networks: the one that traffic takes, and the one for the daemons' management interfaces."""

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from .configs.plan import Plan
from .labels import network_labels

NETWORK_NAME = "stealth-vpn"
CONTROL_NETWORK_NAME = "stealth-control"


@dataclass(frozen=True, kw_only=True)
class Networks:
    """What a service needs of both networks."""

    edge: docker.Network
    control: docker.Network


def create_networks(plan: Plan, opts: pulumi.ResourceOptions, suffix: str = "") -> Networks:
    """Make both networks; the control network is internal: nothing on it reaches the internet by it.

    `suffix` ends the resources' names, not the networks' own.
    """
    # A network's subnet cannot change under running containers, so the old one goes first.
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True))
    edge = docker.Network(
        NETWORK_NAME + suffix, name=NETWORK_NAME, driver="bridge", labels=network_labels("network"),
        # Unset rather than false: a network that was made before this key existed stays as it is.
        ipv6=True if plan.edge_subnet6 else None, ipam_configs=_edge_subnets(plan), opts=opts)
    control = docker.Network(
        CONTROL_NETWORK_NAME + suffix, name=CONTROL_NETWORK_NAME, driver="bridge", internal=True,
        labels=network_labels("network"),
        ipam_configs=[docker.NetworkIpamConfigArgs(subnet=plan.control_subnet, gateway=plan.control_gateway)],
        opts=opts)
    return Networks(edge=edge, control=control)


def _edge_subnets(plan: Plan) -> list[docker.NetworkIpamConfigArgs]:
    pairs = [(plan.edge_subnet, plan.edge_gateway), (plan.edge_subnet6, plan.edge_gateway6)]
    return [docker.NetworkIpamConfigArgs(subnet=subnet, gateway=gateway) for subnet, gateway in pairs if subnet]
