"""Caddy's configuration: TCP's routing by server name, the cover site, the panel's secret path."""

from components.keys import PanelKeys, SingboxKeys, WireguardKeys, XrayKeys, purpose_of
from components.rendering import render
from components.settings import Settings

from . import ports
from .plan import Plan

BODY_BYTES = 128 * 1024
"""What a request to the panel may hold, but for a file of users; it waits here until it is whole."""

IMPORT_BYTES = 20 * 1024 * 1024
"""What a file of users may hold."""

# Of the panel's connections, so that slow files leave it the others.
_IMPORTS_AT_ONCE = 2
# Beyond it an answer waits in the panel until the client has read the part before; only exports are larger.
_ANSWER_BYTES = 1024 * 1024
# Bytes a second: a file of the greatest size by a poor line takes a quarter of an hour.
_BODY_PACE_BYTES = 16 * 1024
_LEVELS = {"DEBUG": "DEBUG", "INFO": "INFO", "WARNING": "WARN", "ERROR": "ERROR"}


def files(
    settings: Settings, plan: Plan, xray: XrayKeys, singbox: SingboxKeys, wireguard: WireguardKeys,
    panel: PanelKeys | None,
) -> dict[str, str]:
    """Return the texts by file name; certificate files are added where they are known.

    Without a panel, on a further host, its paths and those of users' links are as any page that is not there.
    """
    return {"Caddyfile": render(
        "caddy/Caddyfile.j2",
        email=settings.email, log_level=_LEVELS[settings.log_level],
        **_certificates(settings), full=settings.mode == "full",
        public_port_suffix="" if settings.https_port == 443 else f":{settings.https_port}",
        # RFC 7838; the age is the one that Caddy itself sends (github.com/quic-go/quic-go http3/server.go).
        alt_svc=f'h3=":{settings.https_port}"; ma=2592000',
        # One more than the limit, for the end of a body that fills the buffer would not be waited for.
        body_bytes=BODY_BYTES, body_buffer_bytes=BODY_BYTES + 1, body_pace_bytes=_BODY_PACE_BYTES,
        import_bytes=IMPORT_BYTES, imports_at_once=_IMPORTS_AT_ONCE, answer_bytes=_ANSWER_BYTES,
        login_rate=settings.rate_limit_admin, vpn_rate=settings.rate_limit_vpn,
        websocket_path=xray.websocket_path, tunnel_path=wireguard.websocket_path,
        panel_path=panel.path if panel else "", subscription_path=panel.subscription_path if panel else "",
        cover_tls=ports.COVER_TLS, cover_plain=ports.COVER_PLAIN, cover_quic=ports.COVER_QUIC,
        site=plan.name("www"), reality=plan.name("cdn"), shadowtls=plan.name("img"), trojan=plan.name("app"),
        tuic=plan.name("t"), shadowtls_passwords=singbox.shadowtls_passwords,
        authority=_authority(settings), former_paths=_former_paths(settings, xray, wireguard, panel),
        secret_paths=_secret_paths(xray, wireguard, panel),
        **_site_addresses(settings, plan), **_upstreams(settings, plan))}


def _authority(settings: Settings) -> str:
    """Return Caddy's own name of the authority, below which it keeps what that has signed: another root, another name.

    It would else go on with the former root's intermediate (github.com/caddyserver/caddy modules/caddypki/ca.go).
    """
    return purpose_of("local", settings.rotations.generation("authority")).replace("|", "-")


def _former_paths(
    settings: Settings, xray: XrayKeys, wireguard: WireguardKeys, panel: PanelKeys | None,
) -> list[tuple[str, str]]:
    """Return the secret paths that are still good, each with the one that took its place."""
    tunnels = [(xray.former_websocket_path, xray.websocket_path),
               (wireguard.former_websocket_path, wireguard.websocket_path)]
    own = [(panel.former_path, panel.path), (panel.former_subscription_path, panel.subscription_path)] if panel else []
    pairs = [*own, *(tunnels if settings.mode == "full" else [])]
    return [pair for pair in pairs if pair[0]]


def _secret_paths(xray: XrayKeys, wireguard: WireguardKeys, panel: PanelKeys | None) -> str:
    """Return what may not differ from a page that is not there; the panel's path answers in its own words."""
    tunnels = [xray.websocket_path, wireguard.websocket_path, xray.former_websocket_path,
               wireguard.former_websocket_path]
    links = [f"{path}/*" for path in (panel.subscription_path, panel.former_subscription_path) if path] if panel else []
    return " ".join([*filter(None, tunnels), *links])


def _certificates(settings: Settings) -> dict[str, object]:
    # The system's own roots where there are no others: the template then needs no case for it.
    roots = "/etc/stealth/ca.crt" if settings.tls_root_file else "/etc/ssl/certs/ca-certificates.crt"
    return {"internal": settings.tls == "internal", "acme": settings.tls == "acme", "files": settings.tls == "files",
            "auto_https": "disable_redirects disable_certs" if settings.tls == "files" else "disable_redirects",
            "acme_directory": settings.acme_directory, "acme_roots": roots}


def _site_addresses(settings: Settings, plan: Plan) -> dict[str, str]:
    """Return Caddyfile addresses of each listener; behind whatever tunnel, every name has its site."""
    others = [plan.name(label) for label in ("cdn", "img", "app", "q", "t")] if settings.mode == "full" else []
    every = [plan.name("www"), *others]
    return {
        "https_others": ", ".join(f"https://{name}" for name in others),
        "quic_others": ", ".join(f"https://{name}:{ports.COVER_QUIC}" for name in others),
        "cover_tls_sites": ", ".join(f"https://{name}:{ports.COVER_TLS}" for name in every),
        "cover_plain_sites": ", ".join(f"http://{name}:{ports.COVER_PLAIN}" for name in every),
    }


def _upstreams(settings: Settings, plan: Plan) -> dict[str, str]:
    singbox, wireguard = plan.edge("singbox"), plan.edge("wireguard")
    return {
        "own_address": plan.edge("caddy"), "reality_address": plan.edge("xray"), "masquerade_address": singbox,
        "reality_upstream": f"{plan.edge('xray')}:{settings.xray_vision_port}",
        "websocket_upstream": f"{plan.edge('xray')}:{settings.xray_websocket_port}",
        "trojan_upstream": f"{plan.edge('trojan')}:{settings.trojan_port}",
        "shadowtls_upstream": f"{singbox}:{settings.singbox_shadowtls_port}",
        "tunnel_upstream": f"{wireguard}:{settings.wireguard_websocket_port}",
        "panel_upstream": f"{plan.edge('admin')}:{settings.admin_panel_port}",
    }
