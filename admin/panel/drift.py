"""What is known of drift, which is what was changed at the server past its code. `ops drift` tells the panel of it."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from .store.models import Fact

_KEY = "drift"


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What the last look found; of a look that found nothing, nothing is kept."""

    found_at: datetime
    """When it was found first, by this machine's clock."""

    subjects: tuple[str, ...]
    """What it is about, such as service xray."""


def last(session: Session) -> Drift | None:
    """Return what is known; None where none was found, or nobody has looked."""
    fact = session.get(Fact, _KEY)
    if fact is None:
        return None
    held = json.loads(fact.value)
    return Drift(found_at=datetime.fromisoformat(held["found_at"]), subjects=tuple(held["subjects"]))


def note(session: Session, now: datetime, subjects: Collection[str]) -> None:
    """Write down what a look has found now; nothing if there is no drift any more."""
    fact, before = session.get(Fact, _KEY), last(session)
    if not subjects:
        if fact is not None:
            session.delete(fact)
        return
    value = json.dumps({"found_at": (before.found_at if before else now).isoformat(), "subjects": list(subjects)})
    if fact is None:
        session.add(Fact(key=_KEY, value=value))
    else:
        fact.value = value
