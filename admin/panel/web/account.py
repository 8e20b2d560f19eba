"""The pages of one's own account; what changes a credential asks for the password once more."""

from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ..accounts import (
    OWN,
    PASSWORD,
    AccountError,
    current_actor,
    here,
    own,
    requires,
    second_factor,
    sessions,
    tokens,
)
from ..accounts import current_identity as identity
from ..context import config, database
from ..qr import qr_code
from ..store.accounts import Account, SignIn
from ..store.models import LAST_ID
from .access_forms import PasswordForm, ProofForm, SecondFactorForm, TokenForm, attempt, role_names, scope_choices

blueprint = Blueprint("account", __name__)
_Form = TypeVar("_Form", bound=ProofForm)
_Result = TypeVar("_Result")
# The secret that is being set up, in the session's values: it becomes the account's by a code of it.
_NEW_SECRET = "new_totp_secret"  # noqa: S105 # a key


@blueprint.get("/account")
@requires(OWN)
def show() -> str:
    """Show the account, its sessions and its tokens."""
    with database().read() as store:
        return render_template(
            "account/show.html", own_account=_account(), roles=role_names(), current=_row().id_hash,
            own_sessions=sessions.of_account(store, _account().id), tokens=tokens.of_account(store, _account().id))


@blueprint.route("/account/password", methods=["GET", "POST"])
@requires(PASSWORD)
def password() -> ResponseReturnValue:
    """Set another password; the only page for whom the password was given."""
    form = _form(PasswordForm)
    if form.validate_on_submit() and _change(form, lambda store: own.change_password(
            store, current_actor(), _account().id, config().password_pepper, form.new_password.data or "",
            _row().id_hash)):
        flash(_("The password is changed, and all other sessions have ended."))
        return _back()
    return render_template("account/password.html", form=form, is_given=_account().must_change_password)


@blueprint.route("/account/second-factor", methods=["GET", "POST"])
@requires(OWN)
def turn_on() -> ResponseReturnValue:
    """Show a secret for the telephone, and turn the second factor on by a code of it."""
    if _account().totp_secret is not None:
        return _back()
    form, secret = _form(SecondFactorForm), session.setdefault(_NEW_SECRET, second_factor.new_secret())
    if form.validate_on_submit():
        codes = _change(form, lambda store: own.turn_on_second_factor(
            store, current_actor(), _account().id, config().password_pepper, secret, form.first_code.data or "",
            _row().id_hash))
        if codes:
            return render_template("account/recovery_codes.html", codes=codes)
    server = config().server
    uri = second_factor.uri(secret, _account().username, server.domain if server else "stealth-vpn")
    return render_template("account/second_factor.html", form=form, secret=secret, uri=uri, picture=qr_code(uri))


@blueprint.route("/account/second-factor/off", methods=["GET", "POST"])
@requires(OWN)
def turn_off() -> ResponseReturnValue:
    """Turn the second factor off."""
    form = _form(ProofForm)
    if form.validate_on_submit() and _change(
            form, lambda store: own.turn_off_second_factor(store, current_actor(), _account().id)):
        flash(_("The second factor is off; the password alone opens the account."))
        return _back()
    return render_template("account/proof.html", form=form, title=_("Turn the second factor off"), is_risky=True)


@blueprint.route("/account/recovery-codes", methods=["GET", "POST"])
@requires(OWN)
def renew_codes() -> ResponseReturnValue:
    """Make other codes on paper."""
    form = _form(ProofForm)
    if form.validate_on_submit() and (codes := _change(form, lambda store: own.renew_recovery_codes(
            store, current_actor(), _account().id, config().password_pepper))):
        return render_template("account/recovery_codes.html", codes=codes)
    return render_template("account/proof.html", form=form, title=_("Make new codes on paper"), is_risky=False)


@blueprint.route("/account/tokens/new", methods=["GET", "POST"])
@requires(OWN)
def new_token() -> ResponseReturnValue:
    """Make a token, and show it once."""
    form = _form(TokenForm)
    form.scopes.choices = scope_choices(tokens.grantable(_account()))
    if form.validate_on_submit() and (made := _change(form, lambda store: tokens.create(
            store, current_actor(), _account().id, form.name.data or "", form.scopes.data or [], form.days.data or 0))):
        return render_template("account/token_made.html", token=made)
    return render_template("account/new_token.html", form=form)


@blueprint.post(f"/account/tokens/<int(min=1, max={LAST_ID}):token_id>/delete")
@requires(OWN)
def delete_token(token_id: int) -> ResponseReturnValue:
    """Remove a token; that takes rights away only, and so asks for nothing."""
    with database().write() as store:
        tokens.delete(store, current_actor(), _account().id, token_id)
    flash(_("The token is gone; programs that use it are refused from now on."))
    return _back()


@blueprint.post("/account/sessions/<id_hash>/end")
@requires(OWN)
def end_session(id_hash: str) -> ResponseReturnValue:
    """End one session."""
    with database().write() as store:
        own.end_session(store, current_actor(), _account().id, id_hash)
    flash(_("The session has ended."))
    return _back()


@blueprint.errorhandler(AccountError)
def _show_fault(error: AccountError) -> ResponseReturnValue:
    flash(error.sentence, "error")
    return _back()


def _form(kind: type[_Form]) -> _Form:
    form = kind()
    if _account().totp_secret is None:
        del form.code
    return form


def _change(form: ProofForm, act: Callable[[Session], _Result]) -> _Result | None:
    who = identity()
    assert who is not None  # noqa: S101 # the guard lets no stranger in here

    def act_and_renew(store: Session) -> _Result:
        done = act(store)
        here().sessions.renew(store)
        return done
    return attempt(form, lambda: here().credentials.change(who, form.proof(), act_and_renew))


def _back() -> ResponseReturnValue:
    return redirect(url_for("account.show"), 303)


def _account() -> Account:
    account = sessions.current().account
    assert account is not None  # noqa: S101 # only sessions have the scopes of these pages
    return account


def _row() -> SignIn:
    row = sessions.current().row
    assert row is not None  # noqa: S101 # only sessions have the scopes of these pages
    return row
