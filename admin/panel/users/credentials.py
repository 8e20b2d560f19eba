"""A user's secrets for all protocols, in the form that panel/protocols.py describes."""

import base64
import re
import secrets
import uuid
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ..protocols import PROTOCOLS
from .errors import UserError

# 192 bits in 32 characters.
_PASSWORD_BYTES = 24
_SHADOWSOCKS_KEY_BYTES = 16
_PRESHARED_KEY_BYTES = 32
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Visible ASCII: agents tell the parts of a secret apart by spaces.
_PASSWORD = re.compile(r"[!-~]{8,128}")


def make() -> dict[str, Any]:
    """Return new secrets for every protocol."""
    return {
        "vlessReality": _uuid(),
        "vlessWebsocket": _uuid(),
        "trojan": _password(),
        "shadowtls": _base64(secrets.token_bytes(_SHADOWSOCKS_KEY_BYTES)),
        "hysteria2": _password(),
        "tuic": f"{_uuid()}:{_password()}",
        "wireguard": _keys(),
        "wireguardWebsocket": {**_keys(), "password": _password()},
    }


def _uuid() -> str:
    return str(uuid.uuid4())


def _password() -> str:
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def _keys() -> dict[str, str]:
    private = X25519PrivateKey.generate()
    return {"private": _base64(private.private_bytes_raw()), "public": _base64(private.public_key().public_bytes_raw()),
            "preshared": _base64(secrets.token_bytes(_PRESHARED_KEY_BYTES))}


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def checked(value: object) -> dict[str, Any]:
    """Return secrets that an import gives, and new ones for protocols that it leaves out; raises UserError."""
    if not isinstance(value, dict) or not value.keys() <= PROTOCOLS.keys():
        raise UserError("secrets", f"The secrets are no map from {', '.join(PROTOCOLS)}; correct or remove them.")
    for protocol, secret in value.items():
        if not _FORMS[protocol](secret):
            # Not the secret itself: reports are shown, and perhaps sent to somebody for help.
            raise UserError("secrets", f"The secret of {protocol} has not its form; correct or remove it.")
    made = make() | value
    if made["wireguard"]["public"] == made["wireguardWebsocket"]["public"]:
        raise UserError("secrets", "The two ways of WireGuard have the same key; remove one of both.")
    return made


def words(secrets_of_user: dict[str, Any]) -> set[str]:
    """Return by what engines tell users apart: no two users may have one of these in common."""
    tunnels = {secret["public"] for secret in secrets_of_user.values() if isinstance(secret, dict)}
    others = {_word(protocol, secret) for protocol, secret in secrets_of_user.items() if isinstance(secret, str)}
    return tunnels | others


def _word(protocol: str, secret: str) -> str:
    if protocol.startswith("vless"):
        # Xray passes over the seventh and eighth byte, which clients may use for marks of their own
        # (github.com/XTLS/Xray-core proxy/vless/validator.go), and both ways in are Xray's.
        return f"vless {secret[:14]}{secret[18:]}"
    return f"{protocol} {secret.split(':')[0] if protocol == 'tuic' else secret}"


def _is_uuid(value: object) -> bool:
    # Upper case would be another text for the same UUID.
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _is_password(value: object) -> bool:
    return isinstance(value, str) and _PASSWORD.fullmatch(value) is not None


def _is_uuid_and_password(value: object) -> bool:
    identity, _, password = value.partition(":") if isinstance(value, str) else ("", "", "")
    return _is_uuid(identity) and _is_password(password)


def _is_key(value: object, length: int = _PRESHARED_KEY_BYTES) -> bool:
    try:
        raw = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
        return len(raw) == length and _base64(raw) == value
    # Not ASCII, or no base64.
    except ValueError:
        return False


def _are_keys(value: object, *, with_password: bool = False) -> bool:
    names = {"private", "public", "preshared", *(["password"] if with_password else [])}
    if not isinstance(value, dict) or value.keys() != names or not all(
            _is_key(value[name]) for name in ("private", "public", "preshared")):
        return False
    private = X25519PrivateKey.from_private_bytes(base64.b64decode(value["private"]))
    return _base64(private.public_key().public_bytes_raw()) == value["public"] and (
        not with_password or _is_password(value["password"]))


_FORMS: dict[str, Callable[[object], bool]] = {
    "vlessReality": _is_uuid,
    "vlessWebsocket": _is_uuid,
    "trojan": _is_password,
    "shadowtls": lambda value: _is_key(value, _SHADOWSOCKS_KEY_BYTES),
    "hysteria2": _is_password,
    "tuic": _is_uuid_and_password,
    "wireguard": _are_keys,
    "wireguardWebsocket": lambda value: _are_keys(value, with_password=True),
}
