"""What more than one daemon's configuration needs."""

HANDED_OVER = "/var/lib/certificates"
"""Where Caddy hands its certificates to sing-box, as NAME.pem and NAME.key (images/caddy/handover)."""
