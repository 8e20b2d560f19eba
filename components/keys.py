"""Every key of the server, derived from one seed per daemon.

A seed is the result of a RandomPassword, the only random resource whose value stays out of the state in
clear. What needs another form (X25519, base64) is derived here, so that it inherits the seed's
secrecy inside `apply`. This module makes no resource and reads no configuration.

Each key says in its annotation which secret of `ops rotate` it is a part of. A later generation of a secret comes from
the same seed for another purpose (decision 0030); a field `former_...` has the one before while the two overlap.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Self, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .rotations import NEVER, Rotations

_Form = TypeVar("_Form")

# Secret paths of the site carry 96 bits: they are cover, what lies behind each still asks for a key.
_PATH_BYTES = 12


def derive(seed: str, purpose: str, length: int = 32) -> bytes:
    """Return `length` (at most 32) bytes bound to seed and purpose, by HMAC-SHA256 (RFC 2104)."""
    return hmac.digest(seed.encode(), purpose.encode(), hashlib.sha256)[:length]


@dataclass(frozen=True)
class Of:
    """The secret that a key belongs to, by the name that `ops rotate` gives it."""

    secret: str


def purpose_of(purpose: str, generation: int) -> str:
    """Return what a generation is derived for; the first one's is the bare purpose."""
    return purpose if generation == 1 else f"{purpose}|{generation}"


@dataclass(frozen=True, repr=False)
class _Source:
    """A seed, and which generation of each secret is asked of it."""

    seed: str
    rotations: Rotations

    def make(self, form: Callable[[str, str], _Form], secret: str, purpose: str) -> _Form:
        """Return the generation in force, in a form."""
        return form(self.seed, purpose_of(purpose, self.rotations.generation(secret)))

    def former(self, form: Callable[[str, str], str], secret: str, purpose: str) -> str:
        """Return the generation before, or nothing without an overlap."""
        generation = self.rotations.former(secret)
        return form(self.seed, purpose_of(purpose, generation)) if generation else ""

    def agent_token(self) -> str:
        """Return what the panel shows this daemon's agent."""
        return self.make(_long_token, "agents", "agent")


def _token(seed: str, purpose: str, length: int = 24) -> str:
    return base64.urlsafe_b64encode(derive(seed, purpose, length)).decode().rstrip("=")


def _long_token(seed: str, purpose: str) -> str:
    return _token(seed, purpose, 32)


def _short_id(seed: str, purpose: str) -> str:
    return derive(seed, purpose, 8).hex()


def _shadowsocks_key(seed: str, purpose: str) -> str:
    return _base64(derive(seed, purpose, 16))


def _path(seed: str, purpose: str) -> str:
    return "/" + derive(seed, purpose, _PATH_BYTES).hex()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _key_pair(seed: str, purpose: str) -> tuple[bytes, bytes]:
    private = X25519PrivateKey.from_private_bytes(_clamp(derive(seed, purpose)))
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def _ssh_pair(seed: str, purpose: str) -> tuple[str, str]:
    private = Ed25519PrivateKey.from_private_bytes(derive(seed, purpose))
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return _base64(private.private_bytes_raw()), public.decode()


def _clamp(raw: bytes) -> bytes:
    """Clear and set the bits that RFC 7748 section 5 fixes; WireGuard refuses a key without them."""
    return bytes([raw[0] & 248]) + raw[1:31] + bytes([raw[31] & 127 | 64])


@dataclass(frozen=True, kw_only=True, repr=False)
class XrayKeys:
    """VLESS over REALITY and over WebSocket."""

    reality_private_key: Annotated[str, Of("reality")]
    """X25519, unpadded base64url as `xray x25519` prints it."""

    reality_public_key: Annotated[str, Of("reality")]
    """What the client names as `pbk`."""

    short_id: Annotated[str, Of("reality-short-id")]
    """16 hexadecimal digits."""

    websocket_path: Annotated[str, Of("websocket-path")]
    agent_token: Annotated[str, Of("agents")]
    """What the panel shows the agent, which keeps the users; each daemon has one."""

    former_short_id: Annotated[str, Of("reality-short-id")] = ""
    former_websocket_path: Annotated[str, Of("websocket-path")] = ""

    @classmethod
    def from_seed(cls, seed: str, rotations: Rotations = NEVER) -> Self:
        """Derive all from the seed."""
        source = _Source(seed, rotations)
        private, public = (
            base64.urlsafe_b64encode(raw).decode().rstrip("=") for raw in source.make(_key_pair, "reality", "reality"))
        short_id, path = (_short_id, "reality-short-id", "short-id"), (_path, "websocket-path", "websocket-path")
        return cls(
            reality_private_key=private, reality_public_key=public, short_id=source.make(*short_id),
            websocket_path=source.make(*path), agent_token=source.agent_token(),
            former_short_id=source.former(*short_id), former_websocket_path=source.former(*path))


@dataclass(frozen=True, kw_only=True, repr=False)
class TrojanKeys:
    """Trojan-Go, whose users the panel makes."""

    agent_token: Annotated[str, Of("agents")]

    @classmethod
    def from_seed(cls, seed: str, rotations: Rotations = NEVER) -> Self:
        """Derive all from the seed."""
        return cls(agent_token=_Source(seed, rotations).agent_token())


@dataclass(frozen=True, kw_only=True, repr=False)
class SingboxKeys:
    """ShadowTLS with Shadowsocks 2022; Hysteria2 and TUIC have none but their users'."""

    shadowtls_password: Annotated[str, Of("shadowtls")]
    shadowsocks_server_key: Annotated[str, Of("shadowsocks")]
    """16 bytes as base64 (SIP022, 2022-blake3-aes-128-gcm)."""

    agent_token: Annotated[str, Of("agents")]
    former_shadowtls_password: Annotated[str, Of("shadowtls")] = ""

    @property
    def shadowtls_passwords(self) -> list[str]:
        """All that are in force."""
        return list(filter(None, (self.shadowtls_password, self.former_shadowtls_password)))

    @classmethod
    def from_seed(cls, seed: str, rotations: Rotations = NEVER) -> Self:
        """Derive all from the seed."""
        source = _Source(seed, rotations)
        return cls(
            shadowtls_password=source.make(_token, "shadowtls", "shadowtls"),
            shadowsocks_server_key=source.make(_shadowsocks_key, "shadowsocks", "shadowsocks-server"),
            agent_token=source.agent_token(),
            former_shadowtls_password=source.former(_token, "shadowtls", "shadowtls"))


@dataclass(frozen=True, kw_only=True, repr=False)
class WireguardKeys:
    """WireGuard, as padded base64, and its way over WebSocket."""

    private_key: Annotated[str, Of("wireguard")]
    public_key: Annotated[str, Of("wireguard")]
    websocket_path: Annotated[str, Of("tunnel-path")]
    agent_token: Annotated[str, Of("agents")]
    former_websocket_path: Annotated[str, Of("tunnel-path")] = ""

    @classmethod
    def from_seed(cls, seed: str, rotations: Rotations = NEVER) -> Self:
        """Derive all from the seed."""
        source = _Source(seed, rotations)
        private, public = map(_base64, source.make(_key_pair, "wireguard", "server"))
        path = (_path, "tunnel-path", "websocket-path")
        return cls(private_key=private, public_key=public, websocket_path=source.make(*path),
                   agent_token=source.agent_token(), former_websocket_path=source.former(*path))


@dataclass(frozen=True, kw_only=True, repr=False)
class PanelKeys:
    """The panel's own keys and its secret paths."""

    session_key: Annotated[str, Of("session-key")]
    path: Annotated[str, Of("panel-path")]
    subscription_path: Annotated[str, Of("subscription-path")]
    """What users' links begin with."""

    subscription_key: Annotated[str, Of("subscription-key")]
    """What makes a user's link impossible to guess."""

    password_pepper: Annotated[str, Of("password-pepper")]
    metrics_token: Annotated[str, Of("metrics-token")]
    former_path: Annotated[str, Of("panel-path")] = ""
    former_subscription_path: Annotated[str, Of("subscription-path")] = ""
    former_subscription_key: Annotated[str, Of("subscription-key")] = ""
    former_password_pepper: Annotated[str, Of("password-pepper")] = ""
    former_metrics_token: Annotated[str, Of("metrics-token")] = ""

    @classmethod
    def from_seed(cls, seed: str, rotations: Rotations = NEVER) -> Self:
        """Derive all from the seed."""
        source = _Source(seed, rotations)
        forms: dict[str, tuple[Callable[[str, str], str], str, str]] = {
            "path": (_path, "panel-path", "panel-path"),
            "subscription_path": (_path, "subscription-path", "subscription-path"),
            "subscription_key": (_long_token, "subscription-key", "subscription"),
            "password_pepper": (_long_token, "password-pepper", "password-pepper"),
            "metrics_token": (_long_token, "metrics-token", "metrics")}
        return cls(
            session_key=source.make(_long_token, "session-key", "session"),
            **{key: source.make(*form) for key, form in forms.items()},
            **{f"former_{key}": source.former(*form) for key, form in forms.items()})


@dataclass(frozen=True, kw_only=True, repr=False)
class TunnelKeys:
    """What the hosts of a fleet let the panel's tunnel in by."""

    private_key: Annotated[str, Of("agents")]
    """Seed of an Ed25519 key (RFC 8032 section 5.1.5), as base64."""

    public_key: Annotated[str, Of("agents")]
    """As authorized_keys names it (sshd(8)), without a comment."""

    @classmethod
    def from_seed(cls, seed: str, rotations: Rotations = NEVER) -> Self:
        """Derive both from the seed."""
        private, public = _Source(seed, rotations).make(_ssh_pair, "agents", "tunnel")
        return cls(private_key=private, public_key=public)


@dataclass(frozen=True, kw_only=True, repr=False)
class EngineKeys:
    """The keys of all four engines."""

    xray: XrayKeys
    trojan: TrojanKeys
    singbox: SingboxKeys
    wireguard: WireguardKeys
