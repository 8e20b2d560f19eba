"""The audit log, to look through and to take away."""

from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext

from .. import audit
from ..accounts import requires
from ..context import database

blueprint = Blueprint("audit", __name__)


@blueprint.get("/audit")
@requires("audit:read")
def index() -> str:
    """Show the entries that are looked for, the newest first."""
    text = request.args.get("text", "")[:audit.MOST_CHARACTERS]
    with database().read() as session:
        found = audit.search(session, text, request.args.get("page", 1, int))
    return render_template("web/audit.html", found=found, text=text, titles=_titles(), most=audit.MOST_CHARACTERS)


@blueprint.get("/audit.jsonl")
@requires("audit:read")
def export() -> Response:
    """Answer with every entry and the hashes that prove it."""
    store = database()

    def lines() -> Iterator[str]:
        with store.read() as session:
            yield from audit.export(session)
    return Response(lines(), mimetype="application/jsonl", headers={
        "Content-Disposition": "attachment; filename=audit.jsonl"})


def _titles() -> dict[str, str]:
    """Return what entries tell, in words; an action without a title stands there by its name."""
    return {
        "user.create": gettext("created a user"), "user.edit": gettext("changed a user"),
        "user.enable": gettext("enabled a user"), "user.disable": gettext("disabled a user"),
        "user.delete": gettext("deleted a user"), "user.status": gettext("status changed by itself"),
        "user.reset_usage": gettext("reset a user's usage"), "user.revoke_link": gettext("revoked a user's link"),
        "user.renew_secrets": gettext("renewed a user's secrets"), "user.import": gettext("imported a user"),
        "user.address": gettext("gave a user addresses"), "users.export": gettext("exported users"),
        "users.import": gettext("imported users"),
        "sign-in.accept": gettext("signed in"), "sign-in.attempts": gettext("wrong sign-ins"),
        "account.create": gettext("created an account"), "account.reset": gettext("reset an account"),
        "account.role": gettext("changed an account's role"), "account.enable": gettext("enabled an account"),
        "account.disable": gettext("disabled an account"), "account.delete": gettext("deleted an account"),
        "account.password": gettext("changed their password"),
        "account.second-factor.on": gettext("turned their second factor on"),
        "account.second-factor.off": gettext("turned their second factor off"),
        "account.recovery-codes": gettext("made new recovery codes"),
        "account.session.end": gettext("ended a session"),
        "token.create": gettext("made a token"), "token.delete": gettext("removed a token"),
        "store.restore": gettext("took over a backup"), "service.restart": gettext("restarted a service"),
        "host.drain": gettext("drained a host"), "host.undrain": gettext("told users of a host again"),
    }
