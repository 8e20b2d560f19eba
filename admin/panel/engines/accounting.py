"""Counts traffic of one host: the differences of its engines' counters, into users, their protocols and hours.

Counters begin at zero with each run of an engine, which the agent's instance tells. What an engine counted between the
last look and its end is lost.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ..protocols import PROTOCOLS, user_id
from ..store.models import MAIN, Base, TrafficHour, Usage, User
from ..users import revisions
from .agent import Counters, Report
from .plausibility import is_plausible, is_possible

KEPT = timedelta(days=90)
"""How long the traffic of an hour is kept."""

_Key = tuple[int, str]


# Named tuples, for these are made of each user's protocols at each look: dataclasses take three times as long.
class _Counted(NamedTuple):
    """What the engine had counted of one user's protocol at the last look."""

    instance: str = ""
    up: int = 0
    down: int = 0
    open: int = 0
    seen_at: datetime | None = None


class Change(NamedTuple):
    """What became of one user's traffic by one protocol since."""

    key: _Key
    up: int
    down: int
    after: _Counted


class Look(NamedTuple):
    """What became of all traffic since the look before."""

    changes: list[Change]
    refused: list[_Key]
    """Whose counters cannot be; the next ones that can be are compared with those of before."""


def look(session: Session, now: datetime, reports: Mapping[str, Report], host: str = MAIN) -> Look:
    """Return what the host's engines counted since the last look; whatever has no report has no open connections.

    It reads all that was ever counted, which takes a while: only what follows from it needs a transaction that writes.
    """
    told = dict(_told(reports))
    refused = [key for key, (_, counters) in told.items() if not is_possible(counters)]
    for key in refused:
        del told[key]
    changes = []
    for change in _changes(session, now, told, host):
        if is_plausible(change.up, change.down):
            changes.append(change)
        else:
            refused.append(change.key)
    return Look(changes=changes, refused=refused)


def add(
    session: Session, now: datetime, found: Sequence[Change], host: str = MAIN,
) -> Counter[tuple[str, str]]:
    """Add the host's changes up; return the bytes that were added, by protocol and `up` or `down`."""
    if found:
        # The engines' order of users is not that of whoever changes many of them at once.
        revisions.await_writers(session)
        # Another host's accountant may have removed somebody for good since the look.
        living = set(session.scalars(select(User.id)))
        found = [change for change in found if change.key[0] in living]
    if found:
        _add_to_usage(session, found, host)
        _add_to_users(session, found)
        _add_to_hours(session, now, found)
    added: Counter[tuple[str, str]] = Counter()
    for change in found:
        added[change.key[1], "up"] += change.up
        added[change.key[1], "down"] += change.down
    return added


def forget_old_hours(session: Session, now: datetime) -> None:
    """Drop the hours that no chart shows any more."""
    session.execute(delete(TrafficHour).where(TrafficHour.hour < now - KEPT))


def close_others(session: Session, hosts: Iterable[str]) -> None:
    """Note that nobody has a connection by a host that has left the fleet; what it counted stays."""
    session.execute(update(Usage).where(Usage.host.not_in(list(hosts)), Usage.open_connections > 0)
                    .values(open_connections=0))


def _changes(
    session: Session, now: datetime, told: dict[_Key, tuple[str, Counters]], host: str,
) -> Iterator[Change]:
    for key, before in _counted(session, host):
        silent = before.instance, Counters(up=before.up, down=before.down, open=0)
        change = _change(key, before, *told.pop(key, silent), now)
        if change.after != before:
            yield change
    # Who was deleted for good may still be counted by an engine.
    living = set(session.scalars(select(User.id))) if told else set()
    for key, (instance, counters) in told.items():
        if key[0] in living and counters != Counters(up=0, down=0, open=0):
            yield _change(key, _Counted(), instance, counters, now)


def _told(reports: Mapping[str, Report]) -> Iterator[tuple[_Key, tuple[str, Counters]]]:
    for engine, report in reports.items():
        for name, protocols in report.users.items():
            user = user_id(name)
            for protocol, counters in protocols.items():
                if user is not None and protocol in PROTOCOLS and PROTOCOLS[protocol].engine == engine:
                    yield (user, protocol), (report.instance, counters)


def _counted(session: Session, host: str) -> Iterator[tuple[_Key, _Counted]]:
    # Columns, not objects: most of these rows stay as they are, and there are up to eight of each user.
    for user, protocol, instance, up, down, opened, seen_at in session.execute(select(
            Usage.user_id, Usage.protocol, Usage.instance, Usage.counted_up_bytes, Usage.counted_down_bytes,
            Usage.open_connections, Usage.last_seen_at).where(Usage.host == host).execution_options(yield_per=1000)):
        yield (user, protocol), _Counted(instance=instance, up=up, down=down, open=opened, seen_at=seen_at)


def _change(key: _Key, before: _Counted, instance: str, counters: Counters, now: datetime) -> Change:
    is_same_run = before.instance == instance
    up = _difference(before.up, counters.up) if is_same_run else counters.up
    down = _difference(before.down, counters.down) if is_same_run else counters.down
    if counters.seen:
        # WireGuard's engine itself sends to a peer that has gone, so its traffic does not tell that somebody is there.
        seen_at: datetime | None = datetime.fromtimestamp(counters.seen, UTC)
    else:
        seen_at = now if up or down else before.seen_at
    return Change(key=key, up=up, down=down, after=_Counted(
        instance=instance, up=counters.up, down=counters.down, open=counters.open, seen_at=seen_at))


def _difference(before: int, after: int) -> int:
    # A counter that fell back began anew without the engine's telling.
    return after - before if after >= before else after


def _add_to_usage(session: Session, changes: Iterable[Change], host: str) -> None:
    insert = _insert(session, Usage)
    new = insert.excluded
    session.execute(insert.on_conflict_do_update(index_elements=[Usage.user_id, Usage.host, Usage.protocol], set_={
        Usage.up_bytes: Usage.up_bytes + new.up_bytes, Usage.down_bytes: Usage.down_bytes + new.down_bytes,
        Usage.open_connections: new.open_connections, Usage.last_seen_at: new.last_seen_at,
        Usage.instance: new.instance, Usage.counted_up_bytes: new.counted_up_bytes,
        Usage.counted_down_bytes: new.counted_down_bytes,
    }), [{
        "user_id": change.key[0], "host": host, "protocol": change.key[1], "up_bytes": change.up,
        "down_bytes": change.down,
        "open_connections": change.after.open, "last_seen_at": change.after.seen_at,
        "instance": change.after.instance, "counted_up_bytes": change.after.up,
        "counted_down_bytes": change.after.down,
    } for change in changes])


def _add_to_users(session: Session, changes: Iterable[Change]) -> None:
    grouped = defaultdict(list)
    for change in changes:
        grouped[change.key[0]].append(change)
    # On the connection: an object's update by primary key would not take a condition of its own names.
    session.connection().execute(
        update(User).where(User.id == bindparam("key")).values(
            up_bytes=User.up_bytes + bindparam("up"), down_bytes=User.down_bytes + bindparam("down"),
            period_used_bytes=User.period_used_bytes + bindparam("up") + bindparam("down"),
            # Another host may have seen them later.
            last_seen_at=case((User.last_seen_at > bindparam("seen"), User.last_seen_at),
                              else_=func.coalesce(bindparam("seen"), User.last_seen_at))),
        [{
            "key": user, "up": sum(change.up for change in own), "down": sum(change.down for change in own),
            "seen": max((change.after.seen_at for change in own if change.after.seen_at), default=None),
        } for user, own in grouped.items()])


def _add_to_hours(session: Session, now: datetime, changes: Iterable[Change]) -> None:
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = [{"hour": hour, "user_id": change.key[0], "protocol": change.key[1], "up_bytes": change.up,
             "down_bytes": change.down} for change in changes if change.up or change.down]
    if not rows:
        return
    insert = _insert(session, TrafficHour)
    session.execute(insert.on_conflict_do_update(
        index_elements=[TrafficHour.hour, TrafficHour.user_id, TrafficHour.protocol], set_={
            TrafficHour.up_bytes: TrafficHour.up_bytes + insert.excluded.up_bytes,
            TrafficHour.down_bytes: TrafficHour.down_bytes + insert.excluded.down_bytes,
        }), rows)


def _insert(session: Session, table: type[Base]) -> Any:
    # Both know ON CONFLICT, but SQLAlchemy's portable insert does not.
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
