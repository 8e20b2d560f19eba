"""Tokens for programs: shown once, kept as SHA-256, for some scopes and some time."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy import update as update_rows
from sqlalchemy.orm import Session

from .. import audit
from ..audit import Actor
from ..store.accounts import Account, Token
from ..store.database import Database
from .access import ROLES, TOKEN_SCOPES, Identity
from .errors import AccountError, UnknownAccountError
from .own import find

PREFIX = "svp_"
"""By it programs that look for secrets in code know a token."""

MOST_DAYS = 365
_BYTES = 32
_MOST_PER_ACCOUNT = 50
_USED_PRECISION = timedelta(minutes=1)


def create(session: Session, actor: Actor, account_id: int, name: str, scopes: Collection[str], days: int) -> str:
    """Make a token of at most the account's own scopes; return it, this once."""
    account = find(session, account_id)
    if not 1 <= len(name.strip()) <= 64 or not name.isprintable():
        raise AccountError("name", _("The name is empty, longer than 64 characters or not printable; take another."))
    if not scopes or not set(scopes) <= set(grantable(account)):
        raise AccountError("scopes", _(
            "The token has no scope, or one that the account cannot give; take some of %(scopes)s.",
            scopes=", ".join(grantable(account))))
    if not 1 <= days <= MOST_DAYS:
        raise AccountError("days", _("The token would last %(days)d days; let it last 1 to %(most)d.",
                                     days=days, most=MOST_DAYS))
    if len(of_account(session, account_id)) >= _MOST_PER_ACCOUNT:
        raise AccountError("", _("The account has %(count)d tokens; remove one first.", count=_MOST_PER_ACCOUNT))
    made, now = PREFIX + secrets.token_urlsafe(_BYTES), datetime.now(UTC)
    session.add(Token(account_id=account_id, name=name.strip(), hash=_hash(made), scopes=sorted(set(scopes)),
                      created_at=now, expires_at=now + timedelta(days=days)))
    audit.record(session, actor, "token.create", f"{name.strip()} of {account.username}", scopes=sorted(set(scopes)),
                 days=days)
    return made


def grantable(account: Account) -> list[str]:
    """Return the scopes that a token of this account may have."""
    return sorted(TOKEN_SCOPES & ROLES[account.role])


def of_account(session: Session, account_id: int) -> list[Token]:
    """Return an account's tokens, the newest first."""
    return list(session.scalars(select(Token).where(Token.account_id == account_id).order_by(Token.id.desc())))


def delete(session: Session, actor: Actor, account_id: int, token_id: int) -> None:
    """Remove one of the account's tokens; raises UnknownAccountError."""
    token = session.get(Token, token_id)
    if token is None or token.account_id != account_id:
        raise UnknownAccountError(_("The token"))
    session.delete(token)
    audit.record(session, actor, "token.delete", f"{token.name} of {find(session, account_id).username}")


def identify(database: Database, sent: str, address: str) -> Identity | None:
    """Return who has sent this token: at most what the account may do now, or None."""
    if not sent.startswith(PREFIX):
        return None
    now = datetime.now(UTC)
    with database.read() as session:
        found = session.execute(select(Token, Account).join(Account, Account.id == Token.account_id).where(
            Token.hash == _hash(sent), Token.expires_at > now, ~Account.is_disabled)).one_or_none()
    if found is None:
        return None
    token, account = found
    if token.used_at is None or now - token.used_at > _USED_PRECISION:
        with database.write() as session:
            session.execute(update_rows(Token).where(Token.id == token.id).values(used_at=now))
    return Identity(
        actor=Actor(name=f"token {token.name} of {account.username}", address=address), way="token", account=account,
        scopes=frozenset(token.scopes) & TOKEN_SCOPES & ROLES[account.role])


def _hash(token: str) -> str:
    # Fast is enough for 256 random bits.
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
