"""The store's revision: a number that each transaction that changes users counts up, once.

Its row is also the lock that PostgreSQL's writers of users take first, whatever they write of them: users' rows,
their usage, their hours. Two that lock the same users in different orders would otherwise end in a deadlock, and one
that looked before another's commit would write what holds no more.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..store.models import Fact

_KEY = "revision"


def current(session: Session) -> int:
    """Return the number of the last change."""
    return int(session.scalars(select(Fact.value).where(Fact.key == _KEY)).one())


def await_writers(session: Session) -> None:
    """Wait until this transaction is the only one that changes users; SQLite does so by itself."""
    session.get_one(Fact, _KEY, with_for_update=True)


def begin(session: Session) -> int:
    """Return the number of this transaction's change.

    Writers wait for each other, so revisions become visible in their order, and who looks for later ones misses none.
    """
    if _KEY not in session.info:
        fact = session.get_one(Fact, _KEY, with_for_update=True)
        fact.value = str(int(fact.value) + 1)
        # Database.write() gives each transaction a session of its own.
        session.info[_KEY] = int(fact.value)
    return int(session.info[_KEY])
