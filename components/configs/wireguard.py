"""WireGuard's configuration, its firewall, and who may reach it over WebSocket."""

import ipaddress
import re

from components.keys import PeerKeys, WireguardKeys
from components.rendering import render
from components.settings import Settings

from . import agent, egress, ports
from .plan import Plan


def files(settings: Settings, plan: Plan, keys: WireguardKeys) -> dict[str, str]:
    """Return the texts by file name."""
    return agent.files(plan, "wireguard", keys.agent_token) | {
        "wg0.conf": render(
            "wireguard/wg0.conf.j2", private_key=keys.private_key, port=settings.wireguard_server_port,
            peers=[{"public_key": peer.public_key, "preshared_key": peer.preshared_key,
                    "address": address(settings.vpn_subnet, number), "address6": address(settings.vpn_subnet6, number)}
                   for number, peer in first_peers(keys).items()]),
        "rules.nft": render(
            "wireguard/rules.nft.j2", vpn_subnet=settings.vpn_subnet, vpn_subnet6=settings.vpn_subnet6,
            ipv6=settings.ipv6, egress_rules=egress.packet_filter(settings),
            port=settings.wireguard_server_port, websocket_port=settings.wireguard_websocket_port,
            cover_address=plan.edge("caddy"), cover_port=ports.COVER_PLAIN),
        "chisel-users.json": render(
            "wireguard/chisel-users.json.j2", user=keys.websocket_user, password=keys.websocket_password,
            reachable=_only(f"{plan.edge('wireguard')}:{settings.wireguard_server_port}")),
    }


def address(subnet: str, number: int) -> str:
    """Return the IPv4 or IPv6 address with that number in the subnet; the server has 1, the first client 2 and 3."""
    return str(ipaddress.ip_network(subnet).network_address + number)


def first_peers(keys: WireguardKeys) -> dict[int, PeerKeys]:
    """Return the first client's peers by the number of their address."""
    return {2: keys.peer, 3: keys.websocket_peer}


def _only(target: str) -> str:
    # chisel takes a regular expression and adds "/udp" itself.
    return f"^{re.escape(target)}(/udp)?$"
