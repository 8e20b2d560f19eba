"""What an owner does to accounts; credentials.py asks for the proof before, and guard.py for the scope.

All raise AccountError for what people can mend.
"""

import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import delete as delete_rows
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from .. import audit
from ..audit import Actor
from ..config import PanelConfig
from ..store.accounts import Account, Token
from . import passwords, sessions
from .access import ROLES
from .errors import AccountError, UnknownAccountError
from .own import find
from .standing import hold_owners

_GIVEN_FOR = timedelta(days=14)
_log = logging.getLogger(__name__)
_USERNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def start(session: Session, config: PanelConfig) -> None:
    """Make the first account of a new store, with the password that the deployment has given it.

    Later changes of the deployment change nothing here: `reset` is for a password that was lost.
    """
    if session.scalar(select(func.count()).select_from(Account)) == 0:
        _add(session, audit.PANEL, config.admin_username, "owner", config.admin_password_hash)
    for account in with_reserved_names(all_accounts(session)):
        _log.warning("Account %s is called as the audit log calls the command line or the panel itself; make another "
                     "account for whoever uses it, then delete it.", account.username)


def with_reserved_names(accounts: Iterable[Account]) -> list[Account]:
    """Return those that an earlier version has let have a name of the audit log's own; they stay as they are."""
    return [account for account in accounts if account.username.casefold() in audit.RESERVED_NAMES]


def all_accounts(session: Session) -> list[Account]:
    """Return every account by name."""
    return list(session.scalars(select(Account).order_by(Account.username)))


def by_name(session: Session, username: str) -> Account:
    """Return the account of that name; raises UnknownAccountError."""
    account = session.scalar(select(Account).where(Account.username == username))
    if account is None:
        raise UnknownAccountError(_("Account %(name)s", name=username))
    return account


def create(session: Session, actor: Actor, pepper: str, username: str, role: str) -> tuple[Account, str]:
    """Make an account; return it with a password that serves for choosing another one within 14 days."""
    if not _USERNAME.fullmatch(username):
        raise AccountError("username", _(
            "The name is not made of 1 to 64 English letters, digits, _, . and - with a letter in front; take "
            "another."))
    if username.casefold() in audit.RESERVED_NAMES:
        raise AccountError("username", _(
            "The audit log calls the command line and the panel itself so; take another name than %(name)s.",
            name=username))
    taken = select(Account.id).where(func.lower(Account.username) == username.lower())
    if session.scalar(taken) is not None:
        raise AccountError("username", _("There is an account %(name)s already; take another name.", name=username))
    given = passwords.given()
    return _add(session, actor, username, _checked(role), passwords.hashed(pepper, given)), given


def reset(session: Session, actor: Actor, pepper: str, account_id: int) -> str:
    """Open an account to who has lost its credentials: a given password, no second factor, no session, no token."""
    account, given = find(session, account_id), passwords.given()
    account.password_hash = passwords.hashed(pepper, given)
    account.must_change_password, account.password_expires_at = True, datetime.now(UTC) + _GIVEN_FOR
    account.totp_secret, account.recovery_hashes, account.is_disabled = None, [], False
    _shut_out(session, account_id)
    audit.record(session, actor, "account.reset", account.username)
    return given


def change_role(session: Session, actor: Actor, account_id: int, role: str) -> None:
    """Give an account another role; it holds from its next request on."""
    account = _find_beside_owners(session, account_id)
    before, account.role = account.role, _checked(role)
    _check_an_owner_is_left(session, is_asked=before == "owner")
    sessions.forget_steps(session, account_id)
    audit.record(session, actor, "account.role", account.username, role=[before, role])


def switch(session: Session, actor: Actor, account_id: int, enabled: bool) -> None:
    """Let an account sign in or not; a disabled one's sessions and tokens end."""
    account = _find_beside_owners(session, account_id)
    account.is_disabled = not enabled
    _check_an_owner_is_left(session, is_asked=account.role == "owner")
    if not enabled:
        _shut_out(session, account_id)
    audit.record(session, actor, "account.enable" if enabled else "account.disable", account.username)


def delete(session: Session, actor: Actor, account_id: int) -> None:
    """Remove an account with its sessions and tokens; what it did stays in the audit log."""
    account = _find_beside_owners(session, account_id)
    session.delete(account)
    _check_an_owner_is_left(session, is_asked=account.role == "owner")
    audit.record(session, actor, "account.delete", account.username)


def _add(session: Session, actor: Actor, username: str, role: str, password_hash: str) -> Account:
    now = datetime.now(UTC)
    account = Account(username=username, role=role, password_hash=password_hash, must_change_password=True,
                      password_expires_at=now + _GIVEN_FOR, created_at=now)
    session.add(account)
    session.flush()
    audit.record(session, actor, "account.create", username, role=role)
    return account


def _checked(role: str) -> str:
    if role not in ROLES:
        raise AccountError("role", _("The role is none of %(roles)s; use one of them.", roles=", ".join(ROLES)))
    return role


def _shut_out(session: Session, account_id: int) -> None:
    sessions.end_all(session, account_id)
    session.execute(delete_rows(Token).where(Token.account_id == account_id))


def _find_beside_owners(session: Session, account_id: int) -> Account:
    """Return an account, to be changed while nobody changes an owner: two could else take each other's role away."""
    hold_owners(session)
    return find(session, account_id)


def _check_an_owner_is_left(session: Session, *, is_asked: bool) -> None:
    """Refuse what leaves no owner who can sign in; is_asked only of changes of owners, for no other takes one away."""
    if not is_asked:
        return
    session.flush()
    can_sign_in = or_(Account.password_expires_at.is_(None), Account.password_expires_at > datetime.now(UTC))
    owners = select(func.count()).where(Account.role == "owner", ~Account.is_disabled, can_sign_in)
    if session.scalar(owners) == 0:
        raise AccountError("", _(
            "No owner would be left who can sign in; make another account an owner first, or reset one whose password "
            "was given and never used."))
