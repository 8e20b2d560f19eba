"""A user's secrets for all protocols, in the form that panel/protocols.py describes."""

import base64
import secrets
import uuid
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

# 192 bits in 32 characters.
_PASSWORD_BYTES = 24
_SHADOWSOCKS_KEY_BYTES = 16
_PRESHARED_KEY_BYTES = 32


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
