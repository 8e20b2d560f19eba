"""The one way to change a credential: whoever does it must first prove anew who they are (ASVS 5.0, 7.5.1).

Passwords, second factors, new tokens, and all that is done to other accounts go through `Credentials.change`. A token
changes none of them. The container's own program needs no proof: who may run it may read the panel's files.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ..store.database import Database
from .access import Identity
from .errors import AccountError
from .sign_in import Door
from .standing import hold_owners

_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What somebody who is signed in shows once more."""

    password: str
    code: str = ""
    """Of the telephone or of paper; only asked for where the account has a second factor."""


class Credentials:
    """Changes credentials, each in one transaction after the proof."""

    def __init__(self, database: Database, door: Door) -> None:
        self._database, self._door = database, door

    def change(self, who: Identity, proof: Proof | None, act: Callable[[Session], _Result]) -> _Result:
        """Do act in a transaction of its own if who may; raises AccountError, and nothing is changed, if not.

        The proof is a transaction before, so that a code is used up and an attempt counted whatever act does. What it
        rests on is looked at again beside act.
        """
        proven = None
        if who.way == "token":
            raise AccountError("", _("A token changes no credentials; sign in at the panel and do it there."))
        if who.way == "session":
            if who.account is None or proof is None:
                raise AccountError("", _("The password is missing; give it once more."))
            proven = self._door.prove(
                who.account, who.actor.address, proof.password, proof.code, session_hash=who.session_hash)
        with self._database.write() as session:
            hold_owners(session)
            if proven is not None:
                proven.hold(session)
            return act(session)
