"""How rows of the store look to the API."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from ..context import config
from ..engines import traffic
from ..protocols import open_protocols
from ..store.models import User

_SAME = ("id", "name", "note", "status", "is_enabled", "closed_protocols", "quota_bytes", "quota_period",
         "period_began_at", "period_used_bytes", "up_bytes", "down_bytes", "expires_at", "created_at", "last_seen_at",
         "link_read_at", "link_read_by", "revision")


def of_users(session: Session, users: Sequence[User]) -> list[dict[str, Any]]:
    """Return users as UserAnswer has them."""
    there = traffic.online(session, datetime.now(UTC), [user.id for user in users])
    server = config().server
    return [{name: getattr(user, name) for name in _SAME} | {
        "is_online": user.id in there,
        "open_protocols": open_protocols(user, server) if server else []} for user in users]


def of_user(session: Session, user: User) -> dict[str, Any]:
    """Return one user as UserAnswer has them."""
    return of_users(session, [user])[0]


def of_spans(spans: Sequence[traffic.Span]) -> list[dict[str, Any]]:
    """Return traffic by time as TrafficAnswer has it."""
    return [asdict(span) for span in spans]
