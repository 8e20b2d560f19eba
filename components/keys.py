"""Every key of the server, derived from one seed per daemon.

A seed is the result of a RandomPassword, the only random resource whose value stays out of the state in
clear. What needs another form (X25519, base64) is derived here, so that it inherits the seed's
secrecy inside `apply`. This module makes no resource and reads no configuration.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

# Secret paths of the site carry 96 bits: they are cover, what lies behind each still asks for a key.
_PATH_BYTES = 12


def derive(seed: str, purpose: str, length: int = 32) -> bytes:
    """Return `length` (at most 32) bytes bound to seed and purpose, by HMAC-SHA256 (RFC 2104)."""
    return hmac.digest(seed.encode(), purpose.encode(), hashlib.sha256)[:length]


def _token(seed: str, purpose: str, length: int = 24) -> str:
    return base64.urlsafe_b64encode(derive(seed, purpose, length)).decode().rstrip("=")


def _agent_token(seed: str) -> str:
    return _token(seed, "agent", 32)


def _path(seed: str, purpose: str) -> str:
    return "/" + derive(seed, purpose, _PATH_BYTES).hex()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _key_pair(seed: str, purpose: str) -> tuple[bytes, bytes]:
    private = X25519PrivateKey.from_private_bytes(_clamp(derive(seed, purpose)))
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def _clamp(raw: bytes) -> bytes:
    """Clear and set the bits that RFC 7748 section 5 fixes; WireGuard refuses a key without them."""
    return bytes([raw[0] & 248]) + raw[1:31] + bytes([raw[31] & 127 | 64])


@dataclass(frozen=True, kw_only=True, repr=False)
class XrayKeys:
    """VLESS over REALITY and over WebSocket."""

    reality_private_key: str
    """X25519, unpadded base64url as `xray x25519` prints it."""

    reality_public_key: str
    """What the client names as `pbk`."""

    short_id: str
    """16 hexadecimal digits."""

    websocket_path: str
    agent_token: str
    """What the panel shows the agent, which keeps the users; each daemon has one."""

    @classmethod
    def from_seed(cls, seed: str) -> Self:
        """Derive all from the seed."""
        private, public = (
            base64.urlsafe_b64encode(raw).decode().rstrip("=") for raw in _key_pair(seed, "reality"))
        return cls(
            reality_private_key=private, reality_public_key=public,
            short_id=derive(seed, "short-id", 8).hex(),
            websocket_path=_path(seed, "websocket-path"), agent_token=_agent_token(seed))


@dataclass(frozen=True, kw_only=True, repr=False)
class TrojanKeys:
    """Trojan-Go, whose users the panel makes."""

    agent_token: str

    @classmethod
    def from_seed(cls, seed: str) -> Self:
        """Derive all from the seed."""
        return cls(agent_token=_agent_token(seed))


@dataclass(frozen=True, kw_only=True, repr=False)
class SingboxKeys:
    """ShadowTLS with Shadowsocks 2022; Hysteria2 and TUIC have none but their users'."""

    shadowtls_password: str
    shadowsocks_server_key: str
    """16 bytes as base64 (SIP022, 2022-blake3-aes-128-gcm)."""

    agent_token: str

    @classmethod
    def from_seed(cls, seed: str) -> Self:
        """Derive all from the seed."""
        return cls(
            shadowtls_password=_token(seed, "shadowtls"),
            shadowsocks_server_key=_base64(derive(seed, "shadowsocks-server", 16)),
            agent_token=_agent_token(seed))


@dataclass(frozen=True, kw_only=True, repr=False)
class WireguardKeys:
    """WireGuard, as padded base64, and its way over WebSocket."""

    private_key: str
    public_key: str
    websocket_path: str
    agent_token: str

    @classmethod
    def from_seed(cls, seed: str) -> Self:
        """Derive all from the seed."""
        private, public = map(_base64, _key_pair(seed, "server"))
        return cls(private_key=private, public_key=public, websocket_path=_path(seed, "websocket-path"),
                   agent_token=_agent_token(seed))


@dataclass(frozen=True, kw_only=True, repr=False)
class PanelKeys:
    """The panel's own keys and its secret paths."""

    session_key: str
    path: str
    subscription_path: str
    """What users' links begin with."""

    subscription_key: str
    """What makes a user's link impossible to guess."""

    password_pepper: str
    metrics_token: str

    @classmethod
    def from_seed(cls, seed: str) -> Self:
        """Derive all from the seed."""
        return cls(
            session_key=_token(seed, "session", 32), path=_path(seed, "panel-path"),
            subscription_path=_path(seed, "subscription-path"), subscription_key=_token(seed, "subscription", 32),
            password_pepper=_token(seed, "password-pepper", 32), metrics_token=_token(seed, "metrics", 32))


@dataclass(frozen=True, kw_only=True, repr=False)
class EngineKeys:
    """The keys of all four engines."""

    xray: XrayKeys
    trojan: TrojanKeys
    singbox: SingboxKeys
    wireguard: WireguardKeys
