"""The eight protocols: their names, engines, secrets and how each engine is told a user's secret.

A client's secret, as the store has it by protocol, and what the engine's agent is sent (decision 0015):

- vlessReality, vlessWebsocket: a UUID; the same.
- trojan, hysteria2: a password; the same.
- shadowtls: the user's Shadowsocks 2022 key, 16 bytes in base64; the same.
- tuic: UUID:PASSWORD; the same.
- wireguard: {private, public, preshared}, base64; the agent gets "PUBLIC PRESHARED ADDRESS[,ADDRESS6]".
- wireguardWebsocket: the same and {password}; the agent gets "PUBLIC PRESHARED ADDRESS[,ADDRESS6] PASSWORD", and the
  name that chisel's client shows is the engines' name of the user.
"""

import ipaddress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from .store.models import MAIN, User

if TYPE_CHECKING:
    # The configuration asks this module for the engines' names.
    from .config import ServerFacts


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One way in."""

    name: str
    engine: str
    title: str
    """As people know it, in every language."""


PROTOCOLS = {made.name: made for made in (
    Protocol(name="vlessReality", engine="xray", title="VLESS Vision REALITY"),
    Protocol(name="vlessWebsocket", engine="xray", title="VLESS WebSocket"),
    Protocol(name="trojan", engine="trojan", title="Trojan"),
    Protocol(name="shadowtls", engine="singbox", title="ShadowTLS"),
    Protocol(name="hysteria2", engine="singbox", title="Hysteria2"),
    Protocol(name="tuic", engine="singbox", title="TUIC"),
    Protocol(name="wireguard", engine="wireguard", title="WireGuard"),
    Protocol(name="wireguardWebsocket", engine="wireguard", title="WireGuard over WebSocket"),
)}
ENGINES = ("xray", "trojan", "singbox", "wireguard")


def engine_key(host: str, engine: str) -> str:
    """Return what the engine of a host is called: `xray` for the panel's own host, `two/xray` for another."""
    return engine if host == MAIN else f"{host}/{engine}"


def host_and_engine(key: str) -> tuple[str, str]:
    """Return whose engine_key this is."""
    host, _, engine = key.rpartition("/")
    return host or MAIN, engine


def engine_name(user_id: int) -> str:
    """Return the engines' name of a user; unchanging, and telling nothing of the person."""
    return f"u{user_id}"


def user_id(name: str) -> int | None:
    """Return whose engine_name this is; None if it is nobody's."""
    number = name.removeprefix("u")
    return int(number) if number.isascii() and number.isdigit() and name == engine_name(int(number)) else None


def wireguard_addresses(server: "ServerFacts", user: User, protocol: str) -> tuple[str, str] | None:
    """Return the user's IPv4 and IPv6 address in the tunnel by that protocol; None if the user has no WireGuard."""
    if user.wireguard_number is None:
        return None
    number = user.wireguard_number + (protocol == "wireguardWebsocket")
    networks = [_network(subnet) for subnet in (server.wireguard_subnet, server.wireguard_subnet6)]
    # The subnet may have been made smaller since the number was given.
    if any(number >= network.num_addresses - 1 for network in networks):
        return None
    return str(networks[0][number]), str(networks[1][number])


def open_protocols(user: User, server: "ServerFacts") -> list[str]:
    """Return the protocols that serve this user while they are active, in the order of PROTOCOLS."""
    return [name for name, protocol in PROTOCOLS.items() if name in user.secrets
            and name not in user.closed_protocols
            and (protocol.engine != "wireguard" or wireguard_addresses(server, user, name))]


def engine_view(user: User, engine: str, server: "ServerFacts") -> dict[str, str] | None:
    """Return what that engine is told of the user, by protocol; None if it must not know the user."""
    if user.status != "active":
        return None
    told = {name: _secret(user, name, server) for name in open_protocols(user, server)
            if PROTOCOLS[name].engine == engine}
    return told or None


# All users of a server have the same, and parsing would be most of the work when there are many.
@cache
def _network(subnet: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(subnet)


def _secret(user: User, protocol: str, server: "ServerFacts") -> str:
    secret = user.secrets[protocol]
    addresses = wireguard_addresses(server, user, protocol)
    if isinstance(secret, str) or addresses is None:
        return str(secret)
    parts = [secret["public"], secret["preshared"], ",".join(addresses)]
    return " ".join([*parts, secret["password"]] if "password" in secret else parts)
