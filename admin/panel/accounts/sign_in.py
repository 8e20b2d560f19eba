"""Signing in: a password, and a code where the account has a second factor.

Whoever is wrong learns neither what was wrong nor whether there is such an account, by text, by code or by time.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NoReturn

from flask import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import audit
from ..audit import Actor
from ..config import PanelConfig
from ..store.accounts import Account
from ..store.database import Database
from . import passwords, second_factor, sessions, throttle
from .errors import ThrottledError, WrongProofError
from .standing import Standing

# How long somebody who is known waits for another such to be done with bcrypt.
_PATIENCE_SECONDS = 5
_BUSY_WAIT_SECONDS = 1


class Door:
    """Checks who wants in; bcrypt has one place for those who are known and one for strangers, who never wait for it.

    So no number of guesses takes more than a part of the processors, or the threads of the server.
    """

    def __init__(self, config: PanelConfig, database: Database, stored: sessions.StoredSessions) -> None:
        self.counts: Counter[str] = Counter(accepted=0, refused=0, throttled=0)
        """Attempts since the start, by what became of them."""

        self._peppers = config.password_peppers
        self._database = database
        self._stored = stored
        self._known, self._strangers = threading.Semaphore(), threading.Semaphore()

    def enter(self, request: Request, username: str, password: str) -> Account:
        """Begin a session, which awaits a code if the account has a second factor.

        Raises WrongProofError, and ThrottledError when nothing was looked at.
        """
        address = request.remote_addr or ""
        with self._database.read() as store:
            account = _called(store, username)
            # Looked up for nobody too, for the time that it takes.
            is_known = throttle.is_known(store, account.id if account else 0, address, datetime.now(UTC))
        keys = throttle.password_keys(username, address, is_known)
        with self._place(is_known):
            self._admit(keys, account, address)
            if not self._is_right(account, password):
                self._refuse()
            assert account is not None  # noqa: S101 # only an account's password is right
            hashed_anew = self._hashed_anew(account.password_hash, password)
        with self._database.write() as store:
            # Somebody may have changed the password during those moments.
            entering = _for_update(store, account.id)
            if entering is None or entering.is_disabled or entering.password_hash != account.password_hash:
                self._refuse()
            entering.password_hash = hashed_anew
            throttle.forgive(store, [*keys])
            self._stored.begin(store, entering, request, awaits_code=entering.totp_secret is not None)
            if entering.totp_secret is None:
                self._welcome(store, entering, address)
        return entering

    def show_code(self, request: Request, code: str) -> None:
        """Complete the request's session, which awaits a code of the telephone or of paper."""
        session, address = sessions.current(), request.remote_addr or ""
        if session.account is None or session.row is None or not session.row.awaits_code:
            raise WrongProofError
        keys = self._admit_code(session.account, address, code)
        with self._database.write() as store:
            account = _for_update(store, session.account.id)
            # The step ends with the password that it was begun with, and the row says whether that was meanwhile.
            if (account is None or account.is_disabled or not sessions.awaits_code(store, session.row.id_hash)
                    or not self._takes_code(account, code)):
                self._refuse()
            throttle.forgive(store, [*keys])
            self._stored.begin(store, account, request, awaits_code=False)
            self._welcome(store, account, address)

    def prove(self, account: Account, address: str, password: str, code: str, *, session_hash: str) -> Standing:
        """Check again who is signed in, before a credential changes, and return what that rests on.

        Raises WrongProofError, ThrottledError, and OutdatedProofError if account is not as it was at the request.
        """
        keys = dict(throttle.proof_keys(account.username, session_hash))
        with self._place(is_known=True):
            self._admit(keys, account, address)
            if not self._is_right(account, password):
                self._refuse()
        if account.totp_secret is not None:
            keys |= self._admit_code(account, address, code)
        with self._database.write() as store:
            proving = Standing.of(account, session_hash).hold(store)
            if proving.totp_secret is not None and not self._takes_code(proving, code):
                self._refuse()
            throttle.forgive(store, [*keys])
            return Standing.of(proving, session_hash)

    def _admit_code(self, account: Account, address: str, code: str) -> Mapping[str, throttle.Pace]:
        with self._database.read() as store:
            is_known = throttle.is_known(store, account.id, address, datetime.now(UTC))
        keys = throttle.code_keys(account.username, address, is_known, second_factor.is_on_paper(code))
        self._admit(keys, account, address)
        return keys

    def _is_right(self, account: Account | None, password: str) -> bool:
        # In any case a hash by each pepper: a disabled account takes as long as one that does not exist.
        is_open = account is not None and not account.is_disabled and not _is_expired(account)
        kept = account.password_hash if account else None
        is_right = [passwords.matches(pepper, password, kept) for pepper in self._peppers]
        return is_open and any(is_right)

    def _hashed_anew(self, kept: str, password: str) -> str:
        """Return what the store shall keep of a password that is right: the same, unless its pepper is the former."""
        if len(self._peppers) == 1 or passwords.matches(self._peppers[0], password, kept):
            return kept
        return passwords.hashed(self._peppers[0], password)

    def _takes_code(self, account: Account, code: str) -> bool:
        # One of the two only: an attempt counts as what it looks like.
        if second_factor.is_on_paper(code):
            return second_factor.accept_recovery_code(self._peppers, account, code)
        return second_factor.accept_code(account, code, datetime.now(UTC))

    @contextmanager
    def _place(self, is_known: bool) -> Iterator[None]:
        places = self._known if is_known else self._strangers
        if not (places.acquire(timeout=_PATIENCE_SECONDS) if is_known else places.acquire(blocking=False)):
            self.counts["throttled"] += 1
            raise ThrottledError(_BUSY_WAIT_SECONDS)
        try:
            yield
        finally:
            places.release()

    def _admit(self, keys: Mapping[str, throttle.Pace], account: Account | None, address: str) -> None:
        with self._database.write() as store:
            wait_seconds, attempts = throttle.admit(store, keys, datetime.now(UTC))
            # All of a flood would fill the log; that it goes on is seen by its powers of two.
            if wait_seconds == 0 and attempts > 1 and attempts & (attempts - 1) == 0:
                audit.record(store, Actor(name="a stranger", address=address), "sign-in.attempts",
                             account.username if account else "an unknown account", attempts=attempts)
        if wait_seconds > 0:
            self.counts["throttled"] += 1
            raise ThrottledError(wait_seconds)

    def _refuse(self) -> NoReturn:
        self.counts["refused"] += 1
        raise WrongProofError

    def _welcome(self, store: Session, account: Account, address: str) -> None:
        now = datetime.now(UTC)
        was_known = throttle.is_known(store, account.id, address, now)
        throttle.remember(store, account.id, address, now)
        account.signed_in_at = now
        audit.record(store, Actor(name=account.username, address=address), "sign-in.accept", account.username,
                     new_address=not was_known)
        self.counts["accepted"] += 1


def _is_expired(account: Account) -> bool:
    return account.password_expires_at is not None and account.password_expires_at <= datetime.now(UTC)


def _called(store: Session, username: str) -> Account | None:
    # PostgreSQL's texts cannot hold a NUL, and so not be compared with one.
    is_called = Account.username == username.replace("\0", "\ufffd")
    # For a name that nobody has, somebody else's row is read, for the time that it takes.
    found = store.execute(select(Account, is_called).order_by(is_called.desc(), Account.id).limit(1)).first()
    return found[0] if found is not None and found[1] else None


def _for_update(store: Session, account_id: int) -> Account | None:
    return store.get(Account, account_id, with_for_update=True)
