"""What more than one daemon's configuration needs."""

REFUSED_NETWORKS = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8",
)
"""Where no client may go through the server (RFC 6890): its containers, host and provider's services."""

HANDED_OVER = "/var/lib/certificates"
"""Where Caddy hands its certificates to sing-box, as NAME.pem and NAME.key (images/caddy/handover)."""
