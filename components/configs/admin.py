"""The panel's configuration, with what it must know of the engines and tell clients of the server."""

from collections.abc import Mapping
from types import MappingProxyType

from components.keys import EngineKeys, PanelKeys
from components.rendering import render
from components.settings import Settings

from . import agent, wireguard
from .plan import Plan

_DATABASE = "sqlite:////var/lib/admin/panel.db"


def files(
    settings: Settings, plan: Plan, panel: PanelKeys, password_hash: str, engines: EngineKeys, authority: str,
    hosts: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
) -> dict[str, str]:
    """Return the texts by file name; `authority` is the root that clients must trust, or empty.

    `hosts` has, by the name of each further host, `engines` and `server` in the form of this one's.
    """
    is_full = settings.mode == "full"
    return {"panel.json": render(
        "admin/panel.json.j2",
        port=settings.admin_panel_port, proxy_address=plan.edge("caddy"),
        path=panel.path, subscription_path=panel.subscription_path, session_key=panel.session_key,
        password_pepper=panel.password_pepper, subscription_key=panel.subscription_key,
        former_password_pepper=panel.former_password_pepper, former_subscription_key=panel.former_subscription_key,
        former_metrics_token=panel.former_metrics_token, metrics_token=panel.metrics_token,
        database_url=settings.database_url or _DATABASE,
        username=settings.admin_username, password_hash=password_hash,
        session_timeout_seconds=settings.session_timeout_seconds, login_rate=settings.rate_limit_admin,
        log_level=settings.log_level, engines=_agents(plan, engines) if is_full else {},
        server=_server(settings, plan, engines, authority) if is_full else None,
        hosts=dict(hosts),
        alerts={"webhookUrl": settings.alert_webhook_url, "smtpUrl": settings.alert_smtp_url,
                "mailTo": settings.alert_mail_to})}


def host(
    settings: Settings, plan: Plan, keys: EngineKeys, authority: str, places: Mapping[str, str],
) -> dict[str, object]:
    """Return what the panel must know of a further host; `places` has HOST:PORT that leads to each engine's agent."""
    agents = {engine: {**entry, "url": f"http://{places[engine]}"} for engine, entry in _agents(plan, keys).items()}
    return {"engines": agents, "server": _server(settings, plan, keys, authority)}


def _agents(plan: Plan, keys: EngineKeys) -> dict[str, dict[str, str]]:
    tokens = {"xray": keys.xray.agent_token, "trojan": keys.trojan.agent_token,
              "singbox": keys.singbox.agent_token, "wireguard": keys.wireguard.agent_token}
    return {engine: {"url": f"http://{agent.address(plan, engine)}", "token": token}
            for engine, token in tokens.items()}


def _server(settings: Settings, plan: Plan, keys: EngineKeys, authority: str) -> dict[str, object]:
    return {
        "domain": settings.domain, "port": settings.https_port,
        "names": {label: plan.name(label) for label in ("www", "cdn", "img", "app", "q", "t")},
        "authority": authority, "dnsServers": settings.dns_servers,
        "realityPublicKey": keys.xray.reality_public_key, "realityShortId": keys.xray.short_id,
        "websocketPath": keys.xray.websocket_path, "shadowtlsPassword": keys.singbox.shadowtls_password,
        "shadowsocksServerKey": keys.singbox.shadowsocks_server_key,
        "wireguardPublicKey": keys.wireguard.public_key,
        "wireguardSubnet": settings.vpn_subnet, "wireguardSubnet6": settings.vpn_subnet6,
        "wireguardEndpoint": wireguard.endpoint(settings, plan),
        "tunnelPath": keys.wireguard.websocket_path,
    }
