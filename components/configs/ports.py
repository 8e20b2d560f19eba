"""Fixed ports between our own containers; those that an operator may choose are in Settings."""

COVER_TLS = 8443
"""Caddy's site behind its own TLS: what REALITY and ShadowTLS show to a prober."""

COVER_PLAIN = 8080
"""Caddy's site without TLS: what Trojan, Hysteria2 and chisel show to a prober."""

COVER_QUIC = 8444
"""Caddy's HTTP/3, on the loopback interface of its container, behind the UDP front."""

FRONT_STATUS = 8011
"""Counters of the UDP front, on the loopback interface of Caddy's container."""

AGENT = 8020
"""Each engine's agent, on the control network."""

XRAY_STATUS = 8009

TUNNEL_STATUS = 8012
"""What the tunnel tells of its links, on the loopback interface of its container."""

TUNNEL_FIRST = 8100
"""The first of the tunnel's places, on the control network; each further host takes four."""
