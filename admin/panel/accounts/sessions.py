"""Sessions in the store; the cookie holds a random word and nothing else.

Who is not signed in has a word too as soon as they are shown a form, but nothing in the store: the secret of their
forms is made from the word, so that strangers cannot fill the store. Signing in makes another word.
"""

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import flask
from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import delete, or_, select
from sqlalchemy import update as update_rows
from sqlalchemy.orm import Session
from werkzeug.datastructures import CallbackDict

from ..config import PanelConfig
from ..store.accounts import Account, SignIn
from ..store.database import Database

COOKIE = "__Host-session"
"""Prefixed so that no other site of the domain can set it (RFC 6265bis section 4.1.3.2)."""

LONGEST = timedelta(hours=12)
"""From the sign-in, however busy the session is (ASVS 5.0, 7.3.2)."""

_LONGEST_WITHOUT_CODE = timedelta(minutes=10)
# Not each request shall write.
_SEEN_PRECISION = timedelta(seconds=15)
_WORD = re.compile(r"[A-Za-z0-9_-]{43}")
_WORD_BYTES = 32
# Where Flask-WTF looks for the secret of forms.
_CSRF = "csrf_token"


class PanelSession(CallbackDict[str, Any], SessionMixin):
    """Values of one session; `row` and `account` are None for strangers, and what they set is forgotten."""

    def __init__(self, word: str, row: SignIn | None = None, account: Account | None = None) -> None:
        super().__init__(row.values if row else {}, lambda changed: setattr(changed, "modified", True))
        self.word, self.row, self.account = word, row, account
        self.is_new_word = False
        self.modified = False


class StoredSessions(SessionInterface):
    """Brings each request its session and writes it back."""

    def __init__(self, config: PanelConfig, database: Database) -> None:
        self._idle = timedelta(seconds=config.session_timeout_seconds)
        self._key = config.session_key.encode()
        self._database = database

    def open_session(self, app: Flask, request: Request) -> PanelSession:  # noqa: ARG002 # Flask's signature
        """Find the session of the cookie; one that is too old is none."""
        word = request.cookies.get(COOKIE, "")
        if _WORD.fullmatch(word):
            found = self._find(word, is_by_script=request.headers.get("Sec-Fetch-Dest") == "empty")
        else:
            found = PanelSession(secrets.token_urlsafe(_WORD_BYTES))
            found.is_new_word = True
        self._bind_forms(found)
        return found

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:  # noqa: ARG002 # Flask's signature
        """Write changed values, and the cookie if it is new and of use."""
        assert isinstance(session, PanelSession)  # noqa: S101 # open_session makes no other
        if session.row is not None and session.modified:
            kept = {key: value for key, value in session.items() if key != _CSRF}
            with self._database.write() as store:
                store.execute(update_rows(SignIn).where(SignIn.id_hash == session.row.id_hash).values(values=kept))
        if session.is_new_word and session.accessed:
            response.set_cookie(COOKIE, session.word, path="/", secure=True, httponly=True, samesite="Strict")

    def begin(self, store: Session, account: Account, request: Request, *, awaits_code: bool) -> None:
        """Sign the request's browser in with another word; the session before it ends."""
        now, session = datetime.now(UTC), current()
        self.end(store)
        session.account = account
        session.row = SignIn(
            id_hash=_hash(session.word), account_id=account.id, awaits_code=awaits_code, values={},
            address=(request.remote_addr or "")[:64], user_agent=request.user_agent.string[:256],
            created_at=now, seen_at=now)
        store.add(session.row)

    def end(self, store: Session) -> None:
        """End the request's session; its word opens nothing any more, and the browser gets another."""
        session = current()
        if session.row is not None:
            store.execute(delete(SignIn).where(SignIn.id_hash == session.row.id_hash))
        session.clear()
        session.row = session.account = None
        session.word, session.is_new_word = secrets.token_urlsafe(_WORD_BYTES), True
        self._bind_forms(session)

    def renew(self, store: Session) -> None:
        """Give the request's session another word after a proof (ASVS 5.0, 7.2.4); who had the old one is out."""
        session = current()
        assert session.row is not None  # noqa: S101 # a stranger proves nothing
        before, session.word, session.is_new_word = session.row.id_hash, secrets.token_urlsafe(_WORD_BYTES), True
        session.clear()
        session.row.id_hash = _hash(session.word)
        store.execute(update_rows(SignIn).where(SignIn.id_hash == before).values(
            id_hash=session.row.id_hash, values={}))
        self._bind_forms(session)

    def sweep(self, store: Session, now: datetime) -> None:
        """Remove the sessions that are too old."""
        store.execute(delete(SignIn).where(or_(
            SignIn.created_at < now - LONGEST, SignIn.seen_at < now - self._idle,
            SignIn.awaits_code & (SignIn.created_at < now - _LONGEST_WITHOUT_CODE))))

    def _find(self, word: str, is_by_script: bool) -> PanelSession:
        now = datetime.now(UTC)
        with self._database.read() as store:
            found = store.execute(select(SignIn, Account).join(Account, Account.id == SignIn.account_id).where(
                SignIn.id_hash == _hash(word), ~Account.is_disabled)).one_or_none()
        if found is None or self._is_over(found[0], now):
            return PanelSession(word)
        row, account = found
        # What a script fetches by itself is no use of the session, or an open page would never be idle.
        if now - row.seen_at > _SEEN_PRECISION and not is_by_script:
            with self._database.write() as store:
                store.execute(update_rows(SignIn).where(SignIn.id_hash == row.id_hash).values(seen_at=now))
        return PanelSession(word, row, account)

    def _is_over(self, row: SignIn, now: datetime) -> bool:
        longest = _LONGEST_WITHOUT_CODE if row.awaits_code else LONGEST
        return now - row.created_at > longest or now - row.seen_at > self._idle

    def _bind_forms(self, session: PanelSession) -> None:
        # Flask-WTF keeps the first form's token for the whole request, though it may be of the word before.
        flask.g.pop(_CSRF, None)
        session[_CSRF] = hmac.new(self._key, b"forms|" + session.word.encode(), hashlib.sha256).hexdigest()
        session.modified = False


def current() -> PanelSession:
    """Return the request's session."""
    return flask.session._get_current_object()  # type: ignore[attr-defined,no-any-return] # of werkzeug's proxy


def of_account(store: Session, account_id: int) -> list[SignIn]:
    """Return the complete sessions of an account, the one that was used last first."""
    return list(store.scalars(select(SignIn).where(
        SignIn.account_id == account_id, ~SignIn.awaits_code).order_by(SignIn.seen_at.desc())))


def awaits_code(store: Session, id_hash: str) -> bool:
    """Return whether there is such a session still, and it awaits a code."""
    return store.scalar(select(SignIn.awaits_code).where(SignIn.id_hash == id_hash)) is True


def end_one(store: Session, account_id: int, id_hash: str) -> bool:
    """End a session of that account; return whether there was one."""
    # It comes from an address, and PostgreSQL's texts cannot hold a NUL, and so not be compared with one.
    wanted = id_hash.replace("\0", "\ufffd")
    ended = store.execute(
        delete(SignIn).where(SignIn.account_id == account_id, SignIn.id_hash == wanted).returning(SignIn.id_hash))
    return ended.first() is not None


def end_all(store: Session, account_id: int, but: str = "") -> None:
    """End every session of an account but the one of that hash."""
    store.execute(delete(SignIn).where(SignIn.account_id == account_id, SignIn.id_hash != but))


def forget_steps(store: Session, account_id: int) -> None:
    """End what an account has half done: sign-ins that await a code, and second factors that are being set up."""
    store.execute(delete(SignIn).where(SignIn.account_id == account_id, SignIn.awaits_code))
    store.execute(update_rows(SignIn).where(SignIn.account_id == account_id).values(values={}))


def _hash(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()
