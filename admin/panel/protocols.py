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

from dataclasses import dataclass


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


def engine_name(user_id: int) -> str:
    """Return the engines' name of a user; unchanging, and telling nothing of the person."""
    return f"u{user_id}"
