"""The pages on which owners look after accounts; each change asks for the owner's password once more."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ..accounts import AccountError, current_account, current_actor, current_identity, here, own, people, requires
from ..context import config, database
from ..store.models import LAST_ID
from .access_forms import AccountForm, NewAccountForm, ProofForm, attempt, role_names

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/accounts")
@requires("accounts:write")
def index() -> str:
    """List the accounts."""
    with database().read() as session:
        accounts = people.all_accounts(session)
    return render_template("accounts/index.html", roles=role_names(), accounts=accounts,
                           mistakable=people.with_reserved_names(accounts))


@blueprint.route("/accounts/new", methods=["GET", "POST"])
@requires("accounts:write")
def create() -> ResponseReturnValue:
    """Make an account, and show its given password once."""
    form = _without_needless_code(NewAccountForm())
    if form.validate_on_submit():
        made = attempt(form, lambda: _change(form, lambda session: people.create(
            session, current_actor(), config().password_pepper, form.username.data, form.role.data)))
        if made is not None:
            return render_template("accounts/given.html", username=made[0].username, password=made[1])
    return render_template("accounts/new.html", form=form)


@blueprint.route(f"/accounts/<int(min=1, max={LAST_ID}):account_id>", methods=["GET", "POST"])
@requires("accounts:write")
def change(account_id: int) -> ResponseReturnValue:
    """Change an account in one way."""
    with database().read() as session:
        account = own.find(session, account_id)
    form = _without_needless_code(AccountForm())
    if form.validate_on_submit():
        done = attempt(form, lambda: (_change(form, lambda session: _act(session, account_id, form.action.data)),))
        if done is not None and done[0] is not None:
            return render_template("accounts/given.html", username=account.username, password=done[0])
        if done is not None:
            flash(_("The account %(name)s is changed.", name=account.username))
            return redirect(url_for("accounts.index"), 303)
    return render_template("accounts/change.html", form=form, changed=account)


@blueprint.errorhandler(AccountError)
def _show_fault(error: AccountError) -> ResponseReturnValue:
    flash(error.sentence, "error")
    return redirect(url_for("accounts.index"), 303)


def _act(session: Session, account_id: int, action: str) -> str | None:
    """Do what the form names; return a given password, if that was it."""
    if action == "reset":
        return people.reset(session, current_actor(), config().password_pepper, account_id)
    acts: dict[str, Callable[[], None]] = {
        "disable": lambda: people.switch(session, current_actor(), account_id, False),
        "enable": lambda: people.switch(session, current_actor(), account_id, True),
        "delete": lambda: people.delete(session, current_actor(), account_id)}
    acts.get(action, lambda: people.change_role(session, current_actor(), account_id, action))()
    return None


def _change(form: ProofForm, act: Callable[[Session], Any]) -> Any:
    who = current_identity()
    assert who is not None  # noqa: S101 # the guard lets no stranger in here
    return here().credentials.change(who, form.proof(), act)


def _without_needless_code(form: Any) -> Any:
    account = current_account()
    if account is None or account.totp_secret is None:
        del form.code
    return form
