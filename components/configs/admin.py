"""The panel's configuration."""

from components.keys import PanelKeys
from components.rendering import render
from components.settings import Settings

from .plan import Plan


def files(settings: Settings, plan: Plan, keys: PanelKeys, password_hash: str) -> dict[str, str]:
    """Return the texts by file name."""
    return {"panel.json": render(
        "admin/panel.json.j2",
        port=settings.admin_panel_port, proxy_address=plan.edge("caddy"), path=keys.path, session_key=keys.session_key,
        username=settings.admin_username, password_hash=password_hash,
        session_timeout_seconds=settings.session_timeout_seconds, login_rate=settings.rate_limit_admin,
        log_level=settings.log_level)}
