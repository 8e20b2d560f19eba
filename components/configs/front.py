"""Command line of the Caddy container: the UDP front, which runs Caddy as its child (decision 0007)."""

import re
from urllib.parse import urlsplit

from components.settings import Settings

from . import ports
from .common import HANDED_OVER
from .plan import Plan

SITE = f"127.0.0.1:{ports.COVER_QUIC}"
STATUS = f"127.0.0.1:{ports.FRONT_STATUS}"
_CADDY = ["/usr/local/bin/caddy", "run", "--config", "/etc/stealth/Caddyfile", "--adapter", "caddyfile"]
_MOST_FLOWS = 8192
_STORAGE = "/data/caddy/certificates"


def command(settings: Settings, plan: Plan) -> list[str]:
    """Return the arguments of the image's entry point; in minimal mode all QUIC is the site's."""
    tunnels = _tunnels(settings, plan) if settings.mode == "full" else []
    return [
        "-listen", ":443", "-site", SITE, *tunnels,
        # A flow is an open file, and half of what may be open is enough for a flood.
        "-max-flows", str(min(_MOST_FLOWS, settings.open_files_limit // 2)),
        "-status", STATUS, *_handover(settings, plan), "--", *_CADDY]


def _tunnels(settings: Settings, plan: Plan) -> list[str]:
    singbox = plan.edge("singbox")
    return [
        "-wireguard", f"{plan.edge('wireguard')}:{settings.wireguard_server_port}",
        "-tuic", f"{singbox}:{settings.singbox_tuic_port}", "-tuic-name", plan.name("t"),
        "-quic", f"{singbox}:{settings.singbox_hysteria_port}", "-quic-name", plan.name("q"),
        "-measured", f"http://{plan.edge('xray')}:{ports.XRAY_STATUS}/measured"]


def _handover(settings: Settings, plan: Plan) -> list[str]:
    if settings.tls != "acme" or settings.mode == "minimal":
        return []
    return [
        "-certificates-from", f"{_STORAGE}/{issuer_folder(settings.acme_directory)}",
        "-certificates-to", HANDED_OVER, "-certificates-of", ",".join(plan.names("q", "t")).lower()]


def issuer_folder(directory: str) -> str:
    """Return the folder in which Caddy stores what an ACME directory has issued.

    Only one issuer's are handed over: after a trial with another directory the newest may not be what Caddy shows.
    Format: github.com/caddyserver/certmagic acmeissuer.go (issuerKey) and storage.go (KeyBuilder.Safe).
    """
    address = urlsplit(directory)
    path = address.path.replace("/", "-").strip("-")
    key = f"{address.netloc}-{path}" if path else address.netloc
    return re.sub(r"[^\w@.-]", "", key.lower().replace(":", "-").replace("..", ""))
