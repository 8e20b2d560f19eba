"""One user: what is known of them, what is changed, what is done."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from .. import subscriptions
from .. import users as service
from ..accounts import current_actor, requires
from ..config import PanelConfig
from ..context import config, database
from ..engines import traffic
from ..protocols import PROTOCOLS, open_protocols
from ..qr import qr_code
from ..store.models import LAST_ID, User
from ..users import UNCHANGED, NewUser, UserChange, UserError, bulk
from . import charts, warnings
from .forms import UserForm, last_day
from .layout import may
from .overview import engine_states
from .words import ACTIONS, ENGINE_STATES, PERIODS, STATUSES

blueprint = Blueprint("user", __name__)
_USER = f"/users/<int(min=1, max={LAST_ID}):user_id>"


@blueprint.route("/users/new", methods=["GET", "POST"])
@requires("users:write")
def new() -> ResponseReturnValue:
    """Make a user."""
    form = UserForm()
    if form.validate_on_submit():
        try:
            with database().write() as session:
                made = service.create(
                    session, current_actor(), config().server, NewUser(**form.values(config().time_zone)))
        except UserError as fault:
            form.blame(fault.field, fault.sentence)
        else:
            flash(gettext("Created. This is the link to send."))
            return redirect(url_for("user.show", user_id=made.id), 303)
    return _form_page(form, None)


@blueprint.get(_USER)
@requires("users:read")
def show(user_id: int) -> str:
    """Show a user."""
    settings, now, span = config(), datetime.now(UTC), charts.asked_span()
    with database().read() as session:
        user = _find(session, user_id)
        usage = {each.protocol: each for each in traffic.by_protocol(session, user_id)}
        is_online = bool(traffic.online(session, now, [user_id]))
        chart = charts.of_span(session, span, now, settings.time_zone, user_id)
    link = subscriptions.url(settings, user) if settings.server and may("users:write") else ""
    return render_template(
        "web/user.html", user=user, is_online=is_online, span=span, chart=chart, actions=ACTIONS, statuses=STATUSES,
        periods=PERIODS, engine_states=ENGINE_STATES, protocols=_rows(settings, user, usage),
        warnings=warnings.of_user(user, settings.server),
        link=link, code=qr_code(link))


@blueprint.route(f"{_USER}/edit", methods=["GET", "POST"])
@requires("users:write")
def edit(user_id: int) -> ResponseReturnValue:
    """Change a user's fields."""
    zone = config().time_zone
    with database().read() as session:
        user = _find(session, user_id)
    form = UserForm.of(user, zone)
    if form.validate_on_submit():
        values: dict[str, Any] = form.values(zone)
        if user.expires_at and form.expires.data == last_day(user.expires_at, zone):
            # The page shows days; an end in the middle of one, set elsewhere, stays.
            values["expires_at"] = UNCHANGED
        try:
            with database().write() as session:
                _check_nobody_was_faster(_find(session, user_id, service.find_for_change))
                service.edit(session, current_actor(), user_id, UserChange(**values))
        except UserError as fault:
            form.blame(fault.field, fault.sentence)
        else:
            flash(gettext("Saved."))
            return redirect(url_for("user.show", user_id=user_id), 303)
    return _form_page(form, user)


@blueprint.route(f"{_USER}/<any({', '.join(repr(name) for name in ACTIONS)}):action>", methods=["GET", "POST"])
@requires("users:write")
def act(user_id: int, action: str) -> ResponseReturnValue:
    """Ask whether an action is meant, or do it."""
    if request.method == "GET":
        with database().read() as session:
            user = _find(session, user_id)
        return render_template("web/confirm.html", name=action, user=user, actions=ACTIONS)
    with database().write() as session:
        _find(session, user_id, service.find_for_change)
        bulk.apply(session, current_actor(), [user_id], ACTIONS[action].does)
    flash(str(ACTIONS[action].done))
    return redirect(url_for("users.index") if action == "delete" else url_for("user.show", user_id=user_id), 303)


def _find(session: Session, user_id: int, find: Callable[[Session, int], User] = service.find) -> User:
    try:
        return find(session, user_id)
    except service.UnknownUserError:
        abort(404)


def _form_page(form: UserForm, user: User | None) -> ResponseReturnValue:
    return render_template("web/user_form.html", form=form, user=user), 422 if form.errors else 200


def _check_nobody_was_faster(user: User) -> None:
    if request.form.get("revision") != str(user.revision):
        raise UserError("", gettext(
            "Somebody else has changed this user meanwhile. Look at the user in another tab, then save again."))


def _rows(settings: PanelConfig, user: User, usage: dict[str, traffic.ProtocolTraffic]) -> list[dict[str, Any]]:
    states = engine_states()
    is_open = open_protocols(user, settings.server) if settings.server else []
    nothing = {"up_bytes": 0, "down_bytes": 0, "open_connections": 0, "last_seen_at": None}
    return [{"title": made.title, "is_open": name in is_open, "engine_state": states.get(made.engine),
             **{field: getattr(usage.get(name), field, usual) for field, usual in nothing.items()}}
            for name, made in PROTOCOLS.items()]
