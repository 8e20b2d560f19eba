"""What a proof rests on, and whether that still holds at the moment when the proof is used.

A password takes a quarter of a second to check, and a request may lie half done for longer. Meanwhile an owner may have
reset, disabled or demoted the account, for it was stolen: what was proven before must not undo that.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..store.accounts import Account, SignIn
from .errors import OutdatedProofError


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Rights and credentials of an account in a session; a proof dies with the first change of any of them."""

    account_id: int
    session_hash: str
    role: str
    password_hash: str
    totp_secret: str | None
    recovery_hashes: tuple[str, ...]

    @classmethod
    def of(cls, account: Account, session_hash: str) -> "Standing":
        """Return how the account stands."""
        return cls(
            account_id=account.id, session_hash=session_hash, role=account.role, password_hash=account.password_hash,
            totp_secret=account.totp_secret, recovery_hashes=tuple(account.recovery_hashes))

    def hold(self, store: Session) -> Account:
        """Return the account, to be changed; raises OutdatedProofError if anything differs or the session has ended."""
        account = store.get(Account, self.account_id, with_for_update=True)
        # Asked after the lock: who ends sessions holds it, too.
        owner = store.scalar(select(SignIn.account_id).where(SignIn.id_hash == self.session_hash, ~SignIn.awaits_code))
        if (account is None or account.is_disabled or owner != account.id
                or Standing.of(account, self.session_hash) != self):
            raise OutdatedProofError
        return account


def hold_owners(store: Session) -> None:
    """Let nobody change an owner until the end of the transaction; to be called before any account is held.

    So two owners cannot take each other's role away, and whoever holds several accounts does so in one order.
    """
    store.execute(select(Account.id).where(Account.role == "owner").order_by(Account.id).with_for_update())
