"""Traffic and presence as pages and the API show them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from ..protocols import PROTOCOLS
from ..store.models import TrafficHour, Usage

HEARD = timedelta(seconds=180)
"""A WireGuard peer that is there makes a new handshake within this time (WireGuard's whitepaper, section 6.1)."""

_HOUR = timedelta(hours=1)
_WITHOUT_CONNECTIONS = [protocol.name for protocol in PROTOCOLS.values() if protocol.engine == "wireguard"]


@dataclass(frozen=True, kw_only=True)
class Span:
    """Traffic from a moment on, for an hour or a day."""

    began_at: datetime
    up_bytes: int = 0
    down_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class ProtocolTraffic:
    """Traffic by one protocol in all the time, and who is there."""

    protocol: str
    up_bytes: int
    down_bytes: int
    open_connections: int
    last_seen_at: datetime | None


def by_hour(session: Session, now: datetime, hours: int, user_id: int | None = None) -> list[Span]:
    """Return so many hours, the oldest first and the present one last, of one user or of all."""
    last = now.replace(minute=0, second=0, microsecond=0)
    begins = [last - _HOUR * number for number in reversed(range(hours))]
    return _spans(begins, _counted(session, begins[0], user_id))


def by_day(session: Session, now: datetime, days: int, zone: ZoneInfo, user_id: int | None = None) -> list[Span]:
    """Return so many days of the zone's calendar, the oldest first and today last, of one user or of all."""
    today = _midnight(now, zone)
    # Arithmetic of aware times in one zone goes by the clock on the wall: a day of 23 or 25 hours stays one day.
    begins = [today - timedelta(days=number) for number in reversed(range(days))]
    return _spans(begins, [
        Span(began_at=_midnight(hour.began_at, zone), up_bytes=hour.up_bytes, down_bytes=hour.down_bytes)
        for hour in _counted(session, begins[0], user_id)])


def by_protocol(session: Session, user_id: int | None = None) -> list[ProtocolTraffic]:
    """Return the traffic of each protocol that was ever used, by one user or by all."""
    query = select(
        Usage.protocol, func.sum(Usage.up_bytes), func.sum(Usage.down_bytes), func.sum(Usage.open_connections),
        func.max(Usage.last_seen_at, type_=Usage.last_seen_at.type)).group_by(Usage.protocol)
    if user_id is not None:
        query = query.where(Usage.user_id == user_id)
    counted = {protocol: ProtocolTraffic(
        protocol=protocol, up_bytes=int(up), down_bytes=int(down), open_connections=int(opened), last_seen_at=seen_at)
        for protocol, up, down, opened, seen_at in session.execute(query)}
    return [counted[protocol] for protocol in PROTOCOLS if protocol in counted]


def online(session: Session, now: datetime, among: Sequence[int] | None = None) -> set[int]:
    """Return the ids of the users who are there: with an open connection, or heard from by WireGuard just now."""
    query = select(Usage.user_id).distinct().where(_is_there(now))
    if among is not None:
        query = query.where(Usage.user_id.in_(among))
    return set(session.scalars(query))


def online_number(session: Session, now: datetime) -> int:
    """Return how many users are there."""
    return session.scalar(select(func.count(Usage.user_id.distinct())).where(_is_there(now))) or 0


def _is_there(now: datetime) -> ColumnElement[bool]:
    return or_(Usage.open_connections > 0, and_(
        Usage.protocol.in_(_WITHOUT_CONNECTIONS), Usage.last_seen_at > now - HEARD))


def _midnight(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _counted(session: Session, since: datetime, user_id: int | None) -> list[Span]:
    query = select(
        TrafficHour.hour, func.sum(TrafficHour.up_bytes), func.sum(TrafficHour.down_bytes),
    ).where(TrafficHour.hour >= since).group_by(TrafficHour.hour)
    if user_id is not None:
        query = query.where(TrafficHour.user_id == user_id)
    return [Span(began_at=hour, up_bytes=int(up), down_bytes=int(down)) for hour, up, down in session.execute(query)]


def _spans(begins: Sequence[datetime], counted: Iterable[Span]) -> list[Span]:
    sums = {began_at: [0, 0] for began_at in begins}
    for span in counted:
        # Hours after now exist if the machine's clock was set back.
        if span.began_at in sums:
            sums[span.began_at][0] += span.up_bytes
            sums[span.began_at][1] += span.down_bytes
    return [Span(began_at=began_at, up_bytes=up, down_bytes=down) for began_at, (up, down) in sums.items()]
