"""The first user's link, from which every client program takes what it needs.

The panel makes that user when it starts for the first time, and answers the link; all others it shows itself. The
link's form is admin/panel/subscriptions/tokens.py's (decision 0022): the two share no code, and a test holds them
together.
"""

import base64
import hashlib
import hmac
import struct

from .configs.plan import Plan
from .keys import PanelKeys
from .settings import Settings

_FIRST_USER = struct.pack(">QI", 1, 1)
"""The user's id, and the generation of a link that was never revoked."""

_SIGNATURE_BYTES = 20


def subscription_url(settings: Settings, plan: Plan, keys: PanelKeys) -> str:
    """Return the first user's link, as long as nobody has revoked it."""
    signature = hmac.digest(keys.subscription_key.encode(), _FIRST_USER, hashlib.sha256)[:_SIGNATURE_BYTES]
    token = base64.urlsafe_b64encode(_FIRST_USER + signature).decode().rstrip("=")
    port = "" if settings.https_port == 443 else f":{settings.https_port}"
    return f"https://{plan.name('www')}{port}{keys.subscription_path}/{token}"
