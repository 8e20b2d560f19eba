"""What certificates the web server in front shows, and until when they hold.

They are read, not trusted: whether a client would accept them is for clients to say, and with the operator's own
authority the panel could not.
"""

import socket
import ssl
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509

_ANSWER_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """The certificate of one host name."""

    name: str
    began_at: datetime | None = None
    expires_at: datetime | None = None
    """As it was last read; None if it never was, since the panel's start."""

    fault: str = ""
    """Why it could not be read now, as a sentence without its subject."""

    fault_began_at: datetime | None = None
    """Since when it could not be read."""

    def is_due(self, now: datetime, notice: timedelta) -> bool:
        """Whether it ends within the notice, and was not renewed in the time when an automatic renewal is made.

        Caddy renews when a third of the lifetime is left; a sixth is late for a certificate of 12 hours as of 90 days.
        """
        if self.expires_at is None or self.began_at is None:
            return False
        return self.expires_at - now < min(notice, (self.expires_at - self.began_at) / 6)


def following(before: Certificate, found: Certificate, now: datetime) -> Certificate:
    """Return what is known after another look: of one that cannot be read now, what was read last."""
    if not found.fault:
        return found
    return replace(before, fault=found.fault, fault_began_at=before.fault_began_at or now)


def read(address: str, port: int, name: str) -> Certificate:
    """Ask the server at address for the certificate that it shows for name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (socket.create_connection((address, port), _ANSWER_SECONDS) as connection,
              context.wrap_socket(connection, server_hostname=name) as secured):
            shown = secured.getpeercert(binary_form=True)
        parsed = x509.load_der_x509_certificate(shown or b"")
        began_at, expires_at = parsed.not_valid_before_utc, parsed.not_valid_after_utc
    # A time that is none is found as it is read, after the rest was parsed; a version that is none is no ValueError.
    except (OSError, ValueError, x509.InvalidVersion) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        return Certificate(name=name, fault=f"its certificate could not be read ({reason}).")
    return Certificate(name=name, began_at=began_at, expires_at=expires_at)
