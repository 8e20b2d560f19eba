"""Command line of the Caddy container: the UDP front, which runs Caddy as its child (decision 0007)."""

from components.settings import Settings

from . import ports
from .plan import Plan

STATUS = f"127.0.0.1:{ports.FRONT_STATUS}"
_CADDY = ["/usr/local/bin/caddy", "run", "--config", "/etc/stealth/Caddyfile", "--adapter", "caddyfile"]
_MOST_FLOWS = 8192


def command(settings: Settings, plan: Plan) -> list[str]:
    """Return the arguments of the image's entry point; in minimal mode there is no UDP to share."""
    backends = _backends(settings, plan) if settings.mode == "full" else []
    return [*backends, "--", *_CADDY]


def _backends(settings: Settings, plan: Plan) -> list[str]:
    singbox = plan.edge("singbox")
    return [
        "-listen", ":443",
        "-wireguard", f"{plan.edge('wireguard')}:{settings.wireguard_server_port}",
        "-tuic", f"{singbox}:{settings.singbox_tuic_port}", "-tuic-name", plan.name("t"),
        "-quic", f"{singbox}:{settings.singbox_hysteria_port}",
        # A flow is an open file, and half of what may be open is enough for a flood.
        "-max-flows", str(min(_MOST_FLOWS, settings.open_files_limit // 2)),
        "-status", STATUS]
