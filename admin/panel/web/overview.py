"""The first page, and the page of the server's parts."""

from datetime import UTC, datetime

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from .. import fleet
from ..accounts import current_actor, requires
from ..context import config, database, engines
from ..engines import Overview
from ..fleet import UnknownHostError
from ..users import UserError
from . import charts, warnings
from .words import ENGINE_PROTOCOLS, ENGINE_STATES, HOST_STATES, STATUSES, engine_title

dashboard = Blueprint("dashboard", __name__)
server = Blueprint("server", __name__)


# The later one is what a user's page shows of an engine that several hosts run.
_BY_WORTH = ("applied", "pending", "failed")


def engine_states() -> dict[str, str]:
    """Return each kind of engine's state now: of a fleet's, the worst at a host that answers."""
    overview = _look()
    away = {host.name for host in overview.away}
    states: dict[str, str] = {}
    for engine in overview.engines:
        if engine.host not in away or len(away) == len(overview.hosts):
            states[engine.kind] = max(states.get(engine.kind, "applied"), engine.state, key=_BY_WORTH.index)
    return states


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
        span=span, statuses=STATUSES, engine_states=ENGINE_STATES, engine_title=engine_title)


@server.get("/server")
@requires("server:read")
def show() -> str:
    """Show engines and the panel itself."""
    return render_template(
        "web/server.html", overview=_look(), engine_states=ENGINE_STATES, engine_title=engine_title,
        engine_protocols=ENGINE_PROTOCOLS, host_states=HOST_STATES, facts=_facts())


@server.post("/server/hosts/<name>/<any(drain, undrain):verb>")
@requires("users:write")
def act(name: str, verb: str) -> ResponseReturnValue:
    """Tell users of a host no more, or again."""
    try:
        with database().write() as session:
            fleet.drain(session, current_actor(), config(), name, verb == "drain")
    except UnknownHostError:
        abort(404)
    except UserError as fault:
        flash(fault.sentence)
    else:
        flash(gettext("Users are told of host %(name)s no more.", name=name) if verb == "drain"
              else gettext("Users are told of host %(name)s again.", name=name))
    return redirect(url_for("server.show"), 303)


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
