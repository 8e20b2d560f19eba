"""The tunnel's configuration: which place of its own leads to which agent on which further host."""

from collections.abc import Mapping, Sequence

from components.fleet_hosts import FleetHost
from components.keys import TunnelKeys
from components.rendering import render

from . import agent, ports
from .plan import Plan

USER = "stealth-tunnel"
"""The account on each further host, which may forward to the agents there and nothing else (ops/fleet/access.py)."""

ENGINES = ("xray", "trojan", "singbox", "wireguard")


def places(plan: Plan, hosts: Sequence[FleetHost]) -> dict[str, dict[str, str]]:
    """Return HOST:PORT on the control network that leads to each agent, by further host and engine."""
    return {host.name: {
        engine: f"{plan.control('tunnel')}:{ports.TUNNEL_FIRST + row * len(ENGINES) + column}"
        for column, engine in enumerate(ENGINES)} for row, host in enumerate(hosts)}


def agents(plan: Plan) -> list[str]:
    """Return HOST:PORT of each agent on a further host's own control network."""
    return [agent.address(plan, engine) for engine in ENGINES]


def files(
    plan: Plan, hosts: Sequence[FleetHost], plans: Mapping[str, Plan], keys: TunnelKeys,
) -> dict[str, str]:
    """Return the texts by file name; `plans` has each further host's own plan, by name."""
    here = places(plan, hosts)
    return {"tunnel.json": render(
        "tunnel/tunnel.json.j2", user=USER, private_key=keys.private_key, status=status(), hosts=[{
            "name": host.name, "address": host.ssh_address, "hostKey": host.host_key,
            "ports": [{"listen": here[host.name][engine], "to": agent.address(plans[host.name], engine)}
                      for engine in ENGINES]} for host in hosts])}


def status() -> str:
    """Return HOST:PORT at which the tunnel tells of its links, on its own loopback interface."""
    return f"127.0.0.1:{ports.TUNNEL_STATUS}"
