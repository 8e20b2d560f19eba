"""The word by which panel and agents name a state of the store: EPOCH:NUMBER.

The number counts changes of users up; the epoch is another in each store, so that the numbers of a restored or new
store are never taken for those that an engine had from the old one.
"""

from dataclasses import dataclass
from typing import Self

from sqlalchemy.orm import Session

from ..store.models import Fact
from ..users import revisions


@dataclass(frozen=True)
class Revision:
    """A state of the store's users."""

    epoch: str
    number: int

    @classmethod
    def parse(cls, word: str) -> Self | None:
        """Return what an agent's word means; None if it is none of ours, such as that of an agent without users."""
        epoch, _, number = word.rpartition(":")
        return cls(epoch, int(number)) if epoch and number.isascii() and number.isdigit() else None

    def __str__(self) -> str:
        return f"{self.epoch}:{self.number}"

    def follows(self, other: Self) -> bool:
        """Whether the users that changed since the other are all that differs."""
        return other.epoch == self.epoch and other.number < self.number


def current(session: Session) -> Revision:
    """Return the store's present state."""
    return Revision(session.get_one(Fact, "epoch").value, revisions.current(session))
