"""The list of users, and what is done to several of them at once."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext, ngettext

from .. import subscriptions
from .. import users as service
from ..accounts import current_actor, requires
from ..context import config, database
from ..engines import traffic
from ..store.models import LAST_ID
from ..users import Page, UserError, UserQuery, bulk
from ..users.search import MOST_CHARACTERS, MOST_PER_PAGE
from .layout import may
from .words import ACTIONS, STATUSES

blueprint = Blueprint("users", __name__)

@dataclass(frozen=True, kw_only=True)
class _Sort:
    title: str
    begins_down: bool


_SORTS = {
    "name": _Sort(title=lazy_gettext("Name"), begins_down=False),
    "used": _Sort(title=lazy_gettext("Used"), begins_down=True),
    "traffic": _Sort(title=lazy_gettext("In all"), begins_down=True),
    "expires": _Sort(title=lazy_gettext("Expires"), begins_down=False),
    "seen": _Sort(title=lazy_gettext("Last seen"), begins_down=True),
    "created": _Sort(title=lazy_gettext("Created"), begins_down=True),
}


@blueprint.get("/users")
@requires("users:read")
def index() -> str:
    """Show the users that are looked for."""
    query = _asked()
    with database().read() as session:
        found = service.search(session, query)
        online = traffic.online(session, datetime.now(UTC), [user.id for user in found.users])
    settings = config()
    shown = found.users if settings.server and may("users:write") else []
    links = {user.id: subscriptions.url(settings, user) for user in shown}
    return render_template(
        "web/users.html", found=found, query=query, online=online, links=links, statuses=STATUSES, sorts=_SORTS,
        actions=ACTIONS, most=MOST_CHARACTERS, address=partial(_address, query, found))


@blueprint.post("/users/bulk")
@requires("users:write")
def several() -> ResponseReturnValue:
    """Ask whether the chosen users are meant, and do it once that was said."""
    name, ids = request.form.get("action", ""), request.form.getlist("ids", type=int)
    if name not in ACTIONS or len(ids) > MOST_PER_PAGE or not all(1 <= user_id <= LAST_ID for user_id in ids):
        abort(400)
    if not ids:
        flash(gettext("Nobody is chosen; mark the users first."), "error")
        return redirect(url_for("users.index"), 303)
    try:
        if "confirmed" not in request.form:
            with database().read() as session:
                chosen = [service.find(session, user_id) for user_id in ids]
            return render_template("web/bulk.html", name=name, action=ACTIONS[name], chosen=chosen)
        with database().write() as session:
            bulk.apply(session, current_actor(), ids, ACTIONS[name].does)
    except UserError as fault:
        flash(gettext("Nothing was changed. %(fault)s", fault=fault.sentence), "error")
    else:
        flash(ngettext("Done for %(num)d user.", "Done for %(num)d users.", len(ids)))
    return redirect(url_for("users.index"), 303)


def _asked() -> UserQuery:
    asked = request.args
    sort: Any = asked.get("sort") if asked.get("sort") in _SORTS else "name"
    order = asked.get("order") or ("down" if _SORTS[sort].begins_down else "up")
    return UserQuery(
        text=asked.get("text", "")[:MOST_CHARACTERS], sort=sort,
        status=asked["status"] if asked.get("status") in STATUSES else "", descending=order == "down",
        page=asked.get("page", 1, int))


def _address(query: UserQuery, found: Page, **changes: Any) -> str:
    """Return the address of this list with changes; what is usual is left out."""
    values: dict[str, Any] = {"text": query.text, "status": query.status, "sort": query.sort, "page": found.number,
              "order": "down" if query.descending else "up"} | changes
    return url_for("users.index", **{name: value for name, value in values.items() if value not in ("", 1)})
