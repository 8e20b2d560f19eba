"""Users as files: taken in after a look at what that would do, and given out."""

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from .. import exports
from ..accounts import current_actor, requires
from ..context import config, database
from ..users.exchange import EXPORTS, ImportReport, import_users
from .forms import ImportForm

blueprint = Blueprint("exchange", __name__)


@blueprint.route("/users/import", methods=["GET", "POST"])
@requires("users:write")
def show() -> ResponseReturnValue:
    """Take users in from a file, or say what that would do."""
    form, report = ImportForm(), None
    if form.validate_on_submit():
        with database().write() as session:
            report = import_users(
                session, current_actor(), config().server, request.files["file"].read(), on_clash=form.clash.data,
                dry_run=form.dry_run.data)
        if not report.faults and not form.dry_run.data:
            return _done(report)
    status = 422 if form.errors or (report and report.faults) else 200
    return render_template("web/exchange.html", form=form, report=report), status


@blueprint.post("/users/export")
@requires("users:write")
def export() -> Response:
    """Answer with all users as a file; by POST, for it is written down in the audit log."""
    name = request.form.get("format", "")
    if name not in EXPORTS:
        abort(400)
    made = exports.answer(name)
    made.headers["Content-Disposition"] = f"attachment; filename=users.{name}"
    return made


def _done(report: ImportReport) -> ResponseReturnValue:
    count = report.created + report.replaced
    flash(ngettext("%(num)d user was imported.", "%(num)d users were imported.", count))
    for sentence in report.lacks:
        flash(sentence, "error")
    if report.skipped:
        flash(gettext("%(num)d were there already and stay as they are.", num=report.skipped))
    return redirect(url_for("users.index"), 303)
