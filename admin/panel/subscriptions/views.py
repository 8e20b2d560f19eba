"""Answers at users' links. What is no answer with status 200 becomes the cover site's 404 on its way out.

So a stranger, whoever guesses, and who has an old link all see the page of a site that has no such page.
"""

import base64
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from flask import Blueprint, Response, abort, make_response, render_template, request, send_from_directory
from flask_babel import force_locale
from sqlalchemy.orm import Session
from werkzeug.datastructures import Headers
from werkzeug.http import dump_options_header

from .. import context, fleet
from ..accounts import public
from ..config import ServerFacts
from ..qr import qr_code
from ..store.models import User
from ..web.language import LANGUAGES
from . import formats, page, reads, tokens
from .access import Told

# How often client programs ask again: what changes on the server, or in an app's store, comes within half a day.
_UPDATE_HOURS = 12
# Interfaces of Linux have names of up to 15 characters (IFNAMSIZ), and WireGuard's apps name them as the file.
_INTERFACE_CHARACTERS = 15
_STATIC = Path(__file__).parent.parent / "static"

blueprint = Blueprint("subscriptions", __name__)


@blueprint.get("/static/<path:filename>")
@public
def static(filename: str) -> Response:
    """Answer with a file that the page loads: at the panel's own address it would give the panel's path away."""
    return send_from_directory(_STATIC, filename)


@blueprint.get("/<token>")
@public
def show(token: str) -> Response:
    """Answer in the form that is asked for, or else in the one that fits whoever asks."""
    config, store = context.config(), context.database()
    server, agent = config.server, request.headers.get("User-Agent", "")
    with store.read() as session:
        user = tokens.resolve(config, session, token)
        if user is None or server is None:
            abort(404)
        name = request.args.get("format") or formats.preferred(agent, request.headers.get("Accept", ""))
        url = tokens.url(config, user)
        told = _told(session, server, user)
        answer = _page(told, user, url) if name == formats.PAGE else _file(told, user, name)
        answer.headers.extend(_headers(server, user, url))
        reads.note(store, user, agent)
    return answer


def _told(session: Session, server: ServerFacts, user: User) -> Told:
    """Return the hosts that the user is told of, or the one of them that is asked for."""
    servers, engines = context.config().servers, context.engines()
    names = fleet.told(engines.hosts(session, datetime.now(UTC)), user.id)
    told = Told(own=server, servers={name: servers[name] for name in names}, is_fleet=len(servers) > 1)
    asked = request.args.get("host")
    if asked is None:
        return told
    if asked not in told.servers:
        abort(404)
    return told.only(asked)


def _file(told: Told, user: User, name: str) -> Response:
    made = formats.FORMATS.get(name)
    if made is None or not made.serves(told, user):
        abort(404)
    answer = make_response(made.render(told, user))
    answer.mimetype = made.mimetype
    stem = _interface(told.first, made.ending) if made.names_interface else formats.title(told.own, user)
    answer.headers["Content-Disposition"] = _disposition(stem + made.ending)
    return answer


def _disposition(name: str) -> str:
    if name.isascii():
        return dump_options_header("attachment", {"filename": name})
    # RFC 6266 section 4.3.
    return dump_options_header("attachment", {"filename*": f"UTF-8''{quote(name, safe='')}"})


def _interface(server: ServerFacts, ending: str) -> str:
    added = len(ending.removesuffix(".conf"))
    return server.domain[:_INTERFACE_CHARACTERS - added].rstrip(".-")


def _headers(server: ServerFacts, user: User, url: str) -> Headers:
    """Return what client programs show of the subscription (docs.cfw.lbyczf.com contents/urlscheme, happ.su dev-docs).

    All four numbers in any case, 0 for no limit: some programs take a part of them for none.
    """
    used = (user.up_bytes, user.down_bytes) if user.quota_bytes is None else (0, user.period_used_bytes)
    expires = int(user.expires_at.timestamp()) if user.expires_at else 0
    return Headers({
        "Subscription-Userinfo":
            f"upload={used[0]}; download={used[1]}; total={user.quota_bytes or 0}; expire={expires}",
        "Profile-Update-Interval": str(_UPDATE_HOURS),
        # Headers are Latin-1, and names are not.
        "Profile-Title": "base64:" + base64.b64encode(formats.title(server, user).encode()).decode(),
        "Profile-Web-Page-Url": f"{url}?format={formats.PAGE}",
    })


def _page(told: Told, user: User, url: str) -> Response:
    language = request.args.get("language", "")
    with force_locale(language) if language in LANGUAGES else nullcontext():
        return make_response(render_template(
            "subscriptions/page.html", assets="subscriptions.static", account=None, navigation=[],
            server=told.own, needs_authority=bool(told.authority), user=user, url=url, token=url.rpartition("/")[2],
            code=qr_code(url),
            ways=page.ways(told, user), files=page.files(told, user),
            openers=page.openers(url, formats.title(told.own, user))))
