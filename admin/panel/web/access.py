"""Signing in and out."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ..accounts import PASSWORD, AccountError, ThrottledError, current_identity, here, public, requires, sessions
from ..context import database
from . import way_back
from .access_forms import CodeForm, SignInForm

blueprint = Blueprint("access", __name__)


@blueprint.route("/login", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """Ask for a name and a password."""
    if current_identity() is not None:
        return _onwards()
    form = SignInForm()
    if form.validate_on_submit():
        try:
            account = here().door.enter(request, form.username.data or "", form.password.data or "")
        except AccountError as error:
            return _refused("access/sign_in.html", form, error)
        if account.totp_secret is None:
            return _onwards()
        return redirect(url_for("access.code", next=request.args.get("next")), 303)
    return render_template("access/sign_in.html", form=form)


@blueprint.route("/login/code", methods=["GET", "POST"])
@public
def code() -> ResponseReturnValue:
    """Ask for a code, of who has just given the right password."""
    row = sessions.current().row
    if row is None or not row.awaits_code:
        return redirect(url_for("access.sign_in"), 303)
    form = CodeForm()
    if form.validate_on_submit():
        try:
            here().door.show_code(request, form.code.data or "")
        except AccountError as error:
            return _refused("access/code.html", form, error)
        return _onwards()
    return render_template("access/code.html", form=form)


@blueprint.post("/logout")
@requires(PASSWORD)
def sign_out() -> ResponseReturnValue:
    """End the session."""
    with database().write() as session:
        here().sessions.end(session)
    return redirect(url_for("access.sign_in"), 303)


def _onwards() -> ResponseReturnValue:
    return redirect(way_back.address(request.args.get("next", "")), 303)


def _refused(template: str, form: SignInForm | CodeForm, error: AccountError) -> ResponseReturnValue:
    form.form_errors.append(error.sentence)
    answer = make_response(render_template(template, form=form), 403)
    if isinstance(error, ThrottledError):
        answer.status_code = 429
        answer.headers["Retry-After"] = str(error.wait_seconds)
    return answer
