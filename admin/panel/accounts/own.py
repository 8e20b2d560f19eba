"""What people do to their own account; credentials.py asks for the proof before.

All raise AccountError for what people can mend.
"""

from datetime import UTC, datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from .. import audit
from ..audit import Actor
from ..store.accounts import Account
from . import passwords, second_factor, sessions
from .errors import AccountError, UnknownAccountError


def change_password(session: Session, actor: Actor, account_id: int, pepper: str, password: str, stays: str) -> Account:
    """Set another password and end all sessions but the one of the hash `stays`."""
    account = find(session, account_id)
    passwords.check(password, account.username)
    account.password_hash = passwords.hashed(pepper, password)
    account.must_change_password, account.password_expires_at = False, None
    sessions.end_all(session, account_id, but=stays)
    audit.record(session, actor, "account.password", account.username)
    return account


def turn_on_second_factor(
    session: Session, actor: Actor, account_id: int, pepper: str, secret: str, code: str, stays: str,
) -> list[str]:
    """Ask for codes of that secret from now on, if `code` is one; return the codes on paper."""
    account = find(session, account_id)
    if not second_factor.accept_first_code(account, secret, code, datetime.now(UTC)):
        raise AccountError("first_code", _(
            "The code is not the one of this moment; look at the clock of your telephone and type the code that it "
            "shows now."))
    account.totp_secret = secret
    sessions.end_all(session, account_id, but=stays)
    audit.record(session, actor, "account.second-factor.on", account.username)
    return second_factor.new_recovery_codes(pepper, account)


def turn_off_second_factor(session: Session, actor: Actor, account_id: int) -> Account:
    """Ask for no codes any more."""
    account = find(session, account_id)
    account.totp_secret, account.recovery_hashes = None, []
    sessions.forget_steps(session, account_id)
    audit.record(session, actor, "account.second-factor.off", account.username)
    return account


def renew_recovery_codes(session: Session, actor: Actor, account_id: int, pepper: str) -> list[str]:
    """Return other codes on paper; the old ones open nothing any more."""
    account = find(session, account_id)
    if account.totp_secret is None:
        raise AccountError("", _("The account has no second factor; turn it on first."))
    sessions.forget_steps(session, account_id)
    audit.record(session, actor, "account.recovery-codes", account.username)
    return second_factor.new_recovery_codes(pepper, account)


def end_session(session: Session, actor: Actor, account_id: int, id_hash: str) -> None:
    """End one of the account's sessions."""
    if not sessions.end_one(session, account_id, id_hash):
        raise UnknownAccountError(_("The session"))
    audit.record(session, actor, "account.session.end", find(session, account_id).username)


def find(session: Session, account_id: int) -> Account:
    """Return an account, to be changed; raises UnknownAccountError."""
    account = session.get(Account, account_id, with_for_update=True)
    if account is None:
        raise UnknownAccountError(_("The account"))
    return account
