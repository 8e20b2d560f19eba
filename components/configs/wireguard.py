"""WireGuard's configuration, its firewall, and who may reach it over WebSocket."""

import ipaddress
import re

from components.keys import WireguardKeys
from components.rendering import render
from components.settings import Settings

from .common import REFUSED_NETWORKS
from .plan import Plan


def files(settings: Settings, plan: Plan, keys: WireguardKeys) -> dict[str, str]:
    """Return the texts by file name."""
    return {
        "wg0.conf": render(
            "wireguard/wg0.conf.j2", private_key=keys.private_key, port=settings.wireguard_server_port,
            peer_public_key=keys.peer_public_key, preshared_key=keys.preshared_key,
            peer_address=address(settings.vpn_subnet, 2)),
        "rules.nft": render(
            "wireguard/rules.nft.j2", vpn_subnet=settings.vpn_subnet,
            refused_networks=[network for network in REFUSED_NETWORKS if ":" not in network]),
        "chisel-users.json": render(
            "wireguard/chisel-users.json.j2", user=keys.websocket_user, password=keys.websocket_password,
            reachable=_only(f"{plan.edge('wireguard')}:{settings.wireguard_server_port}")),
    }


def address(subnet: str, number: int) -> str:
    """Return the address with that number in the subnet; the server has 1, the first peer 2."""
    return str(ipaddress.IPv4Network(subnet).network_address + number)


def _only(target: str) -> str:
    # chisel takes a regular expression and adds "/udp" itself.
    return f"^{re.escape(target)}(/udp)?$"
