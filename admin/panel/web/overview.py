"""The first page, and the page of the server's parts."""

from datetime import UTC, datetime

from flask import Blueprint, render_template
from flask_babel import gettext

from ..accounts import requires
from ..context import config, database, engines
from ..engines import Overview
from . import charts, warnings
from .words import ENGINE_PROTOCOLS, ENGINE_STATES, ENGINE_TITLES, STATUSES

dashboard = Blueprint("dashboard", __name__)
server = Blueprint("server", __name__)


def engine_states() -> dict[str, str]:
    """Return each engine's state now."""
    return {engine.name: engine.state for engine in _look().engines}


# Caddy forwards the secret path with and without its slash. Both are the page, for Werkzeug's own redirect
# from one to the other is absolute and would repeat the client's Host header.
@dashboard.get("", endpoint="show")
@dashboard.get("/", endpoint="show")
@requires("server:read")
def show_dashboard() -> str:
    """Show what an operator wants to know first."""
    settings, now, span = config(), datetime.now(UTC), charts.asked_span()
    overview = _look()
    with database().read() as session:
        chart = charts.of_span(session, span, now, settings.time_zone)
        wrong = list(warnings.of_server(session, overview, settings.alerts, now))
    return render_template(
        "web/dashboard.html", overview=overview, warnings=wrong, chart=chart,
        span=span, statuses=STATUSES, engine_states=ENGINE_STATES, engine_titles=ENGINE_TITLES)


@server.get("/server")
@requires("server:read")
def show() -> str:
    """Show engines and the panel itself."""
    return render_template(
        "web/server.html", overview=_look(), engine_states=ENGINE_STATES, engine_titles=ENGINE_TITLES,
        engine_protocols=ENGINE_PROTOCOLS, facts=_facts())


def _look() -> Overview:
    return engines().overview()


def _facts() -> list[tuple[str, str]]:
    settings = config()
    facts = [
        (gettext("Database"), "SQLite" if database().is_sqlite else "PostgreSQL"),
        (gettext("Time zone"), settings.time_zone.key),
    ]
    if settings.server:
        facts = [(gettext("Domain"), settings.server.domain),
                 (gettext("Resolvers"), ", ".join(settings.server.dns_servers)),
                 (gettext("WireGuard subnet"), settings.server.wireguard_subnet), *facts]
    return facts
