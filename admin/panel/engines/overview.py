"""What the dashboard, the API and the metrics show of the server at one moment."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .. import backups
from .. import drift as drifts
from ..backups import Backup
from ..drift import Drift
from ..fleet import HostHealth
from ..protocols import host_and_engine
from ..store.alerts import Alarm
from ..store.models import User
from . import traffic
from .certificates import Certificate
from .synchroniser import Health
from .uncounted import Uncounted


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Health of one engine, as it is now."""

    name: str
    """As engine_key calls it."""

    state: str
    """applied, pending (the store went on, or the panel has just started) or failed."""

    fault: str
    """A sentence without its subject, which is the engine; empty unless failed."""

    users: int
    """Users that the engine was told."""

    lag_seconds: float
    """Since the engine last had every user as the store has them; 0 if it has them."""

    seen_at: datetime | None
    """When its agent last answered."""

    @property
    def host(self) -> str:
        """Name of its host."""
        return host_and_engine(self.name)[0]

    @property
    def kind(self) -> str:
        """Which of the engines it is, such as `xray`."""
        return host_and_engine(self.name)[1]


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The server at one moment."""

    engines: tuple[Engine, ...]
    certificates: tuple[Certificate, ...]
    users: dict[str, int]
    """Number of users by status; deleted ones are not counted."""

    online: int
    """Users who are there now."""

    up_bytes: int
    """Sent by all present users in all the time."""

    down_bytes: int
    warnings: tuple[str, ...]
    """What is wrong now and needs an operator; the oldest first."""

    uncounted: tuple[Uncounted, ...] = ()
    """Engines of which traffic is not counted now."""

    backup: Backup | None = None
    """What is known of the last backup; None where nobody has made or promised one."""

    hosts: tuple[HostHealth, ...] = ()
    """All that clients can be told of; one where there is no fleet, none in minimal mode."""

    drift: Drift | None = None
    """What the last look found changed past the code; None where nothing was."""

    @property
    def is_fleet(self) -> bool:
        """Whether there is more than the panel's own host."""
        return len(self.hosts) > 1

    @property
    def away(self) -> tuple[HostHealth, ...]:
        """The hosts of a fleet of which no engine answers."""
        return tuple(host for host in self.hosts if self.is_fleet and not host.is_healthy)


def engine(health: Health, revision: int, now: datetime) -> Engine:
    """Return an engine's health, judged by the store's present revision."""
    is_behind = health.revision is None or health.revision.number != revision
    state = "pending" if health.state == "applied" and is_behind else health.state
    return Engine(
        name=health.engine, state=state, fault=health.fault, users=health.users, seen_at=health.seen_at,
        lag_seconds=0.0 if state == "applied" else max(0.0, (now - health.confirmed_at).total_seconds()))


def look(
    session: Session, now: datetime, engines: tuple[Engine, ...], certificates: tuple[Certificate, ...],
    uncounted: tuple[Uncounted, ...] = (), hosts: tuple[HostHealth, ...] = (),
) -> Overview:
    """Add what the store says to what the engines and certificates are."""
    living = User.deleted_at.is_(None)
    counted = session.execute(select(User.status, func.count()).where(living).group_by(User.status))
    numbers = {status: number for status, number in counted}  # noqa: C416 # dict() takes no rows, says their type
    up, down = session.execute(select(func.sum(User.up_bytes), func.sum(User.down_bytes)).where(living)).one()
    return Overview(
        engines=engines, certificates=certificates, uncounted=uncounted, hosts=hosts,
        online=traffic.online_number(session, now),
        users={status: numbers.get(status, 0) for status in ("active", "disabled", "expired", "limited")},
        up_bytes=int(up or 0), down_bytes=int(down or 0), backup=backups.last(session),
        drift=drifts.last(session), warnings=tuple(session.scalars(
            select(Alarm.sentence).where(Alarm.absent_since.is_(None)).order_by(Alarm.began_at))))
