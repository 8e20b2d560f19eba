"""The way in for programs of the panel's own container: a token that only the container's files give."""

import hashlib
import hmac

from ..audit import OPS
from .access import SCOPES, Identity

ADDRESS = "127.0.0.1"
"""The only address that the token is taken from; nothing that comes through Caddy has it."""


def token(session_key: str) -> str:
    """Return what a local program sends as its bearer token."""
    return "local." + hmac.new(session_key.encode(), b"local", hashlib.sha256).hexdigest()


def identify(session_key: str, sent: str, peer_address: str) -> Identity | None:
    """Return the identity of `ops`, which may do everything, or None."""
    if peer_address != ADDRESS or not hmac.compare_digest(token(session_key).encode(), sent.encode()):
        return None
    return Identity(actor=OPS, scopes=frozenset(SCOPES), way="local")
