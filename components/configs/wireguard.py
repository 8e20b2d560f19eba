"""WireGuard's configuration and its firewall."""

import ipaddress

from components.keys import WireguardKeys
from components.rendering import render
from components.settings import Settings

from . import agent, egress, ports
from .plan import Plan


def files(settings: Settings, plan: Plan, keys: WireguardKeys) -> dict[str, str]:
    """Return the texts by file name."""
    return agent.files(plan, "wireguard", keys.agent_token) | {
        "wg0.conf": render(
            "wireguard/wg0.conf.j2", private_key=keys.private_key, port=settings.wireguard_server_port),
        "rules.nft": render(
            "wireguard/rules.nft.j2", vpn_subnet=settings.vpn_subnet, vpn_subnet6=settings.vpn_subnet6,
            ipv6=settings.ipv6, egress_rules=egress.packet_filter(settings),
            port=settings.wireguard_server_port, websocket_port=settings.wireguard_websocket_port,
            cover_address=plan.edge("caddy"), cover_port=ports.COVER_PLAIN,
            agent_port=ports.AGENT, control_subnet=plan.control_subnet),
    }


def own_address(subnet: str) -> str:
    """Return the server's own address in an IPv4 or IPv6 subnet, the first one, with the subnet's prefix."""
    network = ipaddress.ip_network(subnet)
    return f"{network.network_address + 1}/{network.prefixlen}"


def endpoint(settings: Settings, plan: Plan) -> str:
    """Return HOST:PORT at which chisel reaches WireGuard."""
    return f"{plan.edge('wireguard')}:{settings.wireguard_server_port}"
