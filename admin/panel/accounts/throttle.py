"""Slows down guessing, in the store, so that a restart forgets nothing.

Each attempt counts against several keys. A key gives some attempts for free, then the pause after each doubles up to a
most. Attempts within a pause are not looked at and do not make it longer, so whoever hammers an account cannot shut its
owner out: the pause for all strangers together stays at seconds, and a known address has keys of its own.
"""

import hashlib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ..store.accounts import KnownAddress, Throttle

_FORGOTTEN_AFTER = timedelta(days=1)
_KNOWN_FOR = timedelta(days=90)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast attempts on a key may follow each other."""

    free: int
    """Attempts without a pause."""

    longest_seconds: int

    def pause(self, attempts: int) -> timedelta:
        """Return how long the next attempt waits after so many."""
        # No larger power than that: it would overflow after some thousand attempts.
        over = min(attempts - self.free, 20)
        return timedelta(seconds=0 if over < 0 else min(2**over, self.longest_seconds))


_OF_PAIR = Pace(free=3, longest_seconds=60)
_OF_ADDRESS = Pace(free=10, longest_seconds=60)
# At most ten a minute by all strangers together, and never more than this for an owner at a new address.
_OF_ACCOUNT = Pace(free=10, longest_seconds=6)
# Whoever guesses codes knows the password, and three codes of a million are right at any time.
_OF_CODES = Pace(free=5, longest_seconds=900)
# Nobody guesses 120 bits. So these stay a way in for an owner whose telephone's codes somebody else is guessing.
_OF_PAPER = _OF_ACCOUNT


def password_keys(username: str, address: str, is_known: bool) -> Mapping[str, Pace]:
    """Return what an attempt to sign in counts against; the same whether or not there is such an account."""
    account, place = _short(username.casefold()), network(address)
    own = {f"pair:{account}:{place}": _OF_PAIR}
    return own if is_known else own | {f"address:{place}": _OF_ADDRESS, f"account:{account}": _OF_ACCOUNT}


def code_keys(username: str, address: str, is_known: bool, is_on_paper: bool) -> Mapping[str, Pace]:
    """Return what an attempt at the second factor counts against, at the sign-in and in a session alike."""
    kind, pace = ("paper", _OF_PAPER) if is_on_paper else ("code", _OF_CODES)
    account = _short(username.casefold())
    return {f"{kind}:{account}:{network(address)}" if is_known else f"{kind}:{account}": pace}


def proof_keys(username: str, session_hash: str) -> Mapping[str, Pace]:
    """Return what an attempt to prove oneself within a session counts against.

    A thief's session has a pause of its own, and keeps the owner from nothing for longer than seconds.
    """
    account = _short(username.casefold())
    return {f"proof:{account}:{session_hash[:32]}": _OF_PAIR, f"proof:{account}": _OF_ACCOUNT}


def admit(session: Session, keys: Mapping[str, Pace], now: datetime) -> tuple[float, int]:
    """Count an attempt, or return the seconds that it has to wait instead; and the most attempts on one of the keys.

    It is counted before it is made, so that many at once are not more than many in turn; `forgive` undoes that.
    """
    rows = {row.key: row for row in session.scalars(
        select(Throttle).where(Throttle.key.in_(keys)).order_by(Throttle.key).with_for_update())}
    # No longer than the longest pause, should the clock have gone back.
    waits = [min((row.waits_until - now).total_seconds(), keys[key].longest_seconds) for key, row in rows.items()]
    if waits and max(waits) > 0:
        return max(waits), max(row.failures for row in rows.values())
    for key, pace in keys.items():
        row = rows.setdefault(key, Throttle(key=key, failures=0, failed_at=now))
        row.failures = 1 if now - row.failed_at > _FORGOTTEN_AFTER else row.failures + 1
        row.failed_at, row.waits_until = now, now + pace.pause(row.failures)
        session.add(row)
    return 0, max(row.failures for row in rows.values())


def forgive(session: Session, keys: Sequence[str]) -> None:
    """Forget the attempts on these keys, for the last one was right."""
    session.execute(delete(Throttle).where(Throttle.key.in_(keys)))


def is_known(session: Session, account_id: int, address: str, now: datetime) -> bool:
    """Return whether the account has signed in from there in the last 90 days."""
    known = session.get(KnownAddress, (account_id, network(address)))
    return known is not None and now - known.seen_at <= _KNOWN_FOR


def remember(session: Session, account_id: int, address: str, now: datetime) -> None:
    """Let the account's address be known from now on."""
    session.merge(KnownAddress(account_id=account_id, network=network(address), seen_at=now))


def sweep(session: Session, now: datetime) -> None:
    """Remove what counts no more."""
    session.execute(delete(Throttle).where(Throttle.failed_at < now - _FORGOTTEN_AFTER))
    session.execute(delete(KnownAddress).where(KnownAddress.seen_at < now - _KNOWN_FOR))


def network(address: str) -> str:
    """Return the address, or of IPv6 the /64: one customer has as many addresses there as they like."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _short(name: str) -> str:
    # Whatever was typed, the key has one length; and a password typed in the wrong field is not written down.
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:32]
