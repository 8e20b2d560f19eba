"""The secret in a subscription's address: made of the user and a key, and stored nowhere (decision 0022).

The bytes are the user's id (8, big endian), the link's generation (4, big endian), and the first 20 of HMAC-SHA256
(RFC 2104) over those 12; written in base64url without padding (RFC 4648 section 5).
"""

import base64
import binascii
import hashlib
import hmac
import struct

from sqlalchemy.orm import Session

from ..config import PanelConfig
from ..store.models import User

_SUBJECT = struct.Struct(">QI")
_SIGNATURE_BYTES = 20


def token(config: PanelConfig, user: User) -> str:
    """Return the user's token; it changes with the link's generation only."""
    return _signed(config.subscription_key, _SUBJECT.pack(user.id, user.subscription_generation))


def url(config: PanelConfig, user: User) -> str:
    """Return the address that the user gives to client programs; raises ValueError on a server without any."""
    if config.server is None:
        raise ValueError("a server in minimal mode has no clients, and so no links for them")
    port = "" if config.server.port == 443 else f":{config.server.port}"
    return f"https://{config.server.names['www']}{port}{config.subscription_path}/{token(config, user)}"


def resolve(config: PanelConfig, session: Session, text: str) -> User | None:
    """Return whose token that is, or None if it is nobody's, or no longer; the store is asked only if we made it."""
    try:
        subject = base64.urlsafe_b64decode(text + "=")[:_SUBJECT.size]
        id_, generation = _SUBJECT.unpack(subject)
    except (binascii.Error, ValueError, struct.error):
        return None
    # Of the whole text: base64 has several spellings of the same bytes.
    if not any(hmac.compare_digest(_signed(key, subject).encode(), text.encode()) for key in config.subscription_keys):
        return None
    user = session.get(User, id_)
    if user is None or user.deleted_at is not None or user.subscription_generation != generation:
        return None
    return user


def _signed(key: str, subject: bytes) -> str:
    signature = hmac.digest(key.encode(), subject, hashlib.sha256)[:_SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(subject + signature).decode().rstrip("=")
