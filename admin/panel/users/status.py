"""Whether the engines know a user, and when a quota's period begins anew."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.orm import Session

from .. import audit
from ..store.models import User
from . import revisions


def settle(session: Session, users: list[User], now: datetime) -> None:
    """Bring the status of users, whose other changes are flushed by this, to what holds now."""
    session.flush()
    among = User.id.in_([user.id for user in users])
    for user_id, status in session.execute(select(User.id, _status(now)).where(among)).all():
        session.get_one(User, user_id).status = status


def refresh_status(session: Session, now: datetime) -> list[User]:
    """Bring every user's status to what holds now; return those for whom it changed."""
    # Before the look: whoever is deleted or changed meanwhile would be given the status of before.
    revisions.await_writers(session)
    now = now.astimezone(UTC)
    changed = session.execute(select(User, _status(now)).where(_status(now) != User.status)).all()
    for user, status in changed:
        user.revision = revisions.begin(session)
        audit.record(session, audit.PANEL, "user.status", target(user), status=[user.status, status])
        user.status = status
    return [user for user, _ in changed]


def roll_periods(session: Session, now: datetime, zone: ZoneInfo) -> None:
    """Set the used bytes of each user to zero whose quota's period has ended, by the calendar of the zone."""
    revisions.await_writers(session)
    for period in ("day", "week", "month", "year"):
        began = period_start(period, now, zone)
        session.execute(
            update(User).where(User.quota_period == period, User.period_began_at < began)
            .values(period_began_at=began, period_used_bytes=0))


def period_start(period: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Return when the day, week (from Monday), month or year began that now lies in by the zone's calendar, in UTC."""
    local = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "week":
        local -= timedelta(days=local.weekday())
    elif period == "month":
        local = local.replace(day=1)
    elif period == "year":
        local = local.replace(month=1, day=1)
    return local.astimezone(UTC)


def target(user: User) -> str:
    """Return how audit entries name a user."""
    return f"{user.name} (user {user.id})"


def _status(now: datetime) -> ColumnElement[str]:
    return case(
        (User.deleted_at.is_not(None), "deleted"), (User.is_enabled.is_(False), "disabled"),
        (User.expires_at <= now, "expired"), (User.period_used_bytes >= User.quota_bytes, "limited"), else_="active")
