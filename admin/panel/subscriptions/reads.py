"""When a link was last read, and by what program: so that an operator sees whether a person has got theirs to work."""

import logging
import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from ..store.database import Database
from ..store.models import User

# A program that asks in a loop must not keep the store's only writer busy.
_PAUSE = timedelta(minutes=1)
_AGENT_CHARACTERS = 128
_log = logging.getLogger(__name__)


def note(database: Database, user: User, agent: str) -> None:
    """Write down a read, once in a minute for each user; without it the person gets their answer all the same."""
    now = datetime.now(UTC)
    if user.link_read_at is not None and now - user.link_read_at < _PAUSE:
        return
    said = re.sub(r"[^ -~]", "", agent)[:_AGENT_CHARACTERS]
    try:
        with database.write() as session:
            # One row and nothing after it, so nobody can wait in a circle with it: it need not wait for the other
            # writers of users first (users/revisions.py), of whom an import takes seconds.
            session.execute(update(User).where(User.id == user.id).values(link_read_at=now, link_read_by=said))
    except SQLAlchemyError:
        _log.exception("A read of a link could not be written down; look at the space on the panel's volume.")
