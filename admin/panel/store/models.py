"""Tables of people and their traffic; those of accounts stand in accounts.py, those of alerts in alerts.py.

Times are UTC and aware. Sizes are bytes. JSON columns hold maps from a protocol to what is said of it; the eight
protocols stand in panel/protocols.py.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, TypeDecorator, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import DateTime


class Moment(TypeDecorator[datetime]):
    """A time in UTC, whatever the database gives: SQLite one without zone, PostgreSQL one in the server's zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 # SQLAlchemy names it
        """Refuse a time without zone: it would be taken for UTC in silence."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 # SQLAlchemy names it
        """Return the time in UTC: the audit log's hashes are made of its text."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


MAIN = "main"
"""Name of the host that the panel runs on; further hosts of a fleet have names of their own."""

LAST_ID = 2**63 - 1
"""What a column of numbers holds; with more SQLite's driver raises OverflowError."""

# SQLite counts rows up only in an INTEGER, which holds 64 bits there.
_Integer = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """What all tables have in common."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Moment, int: _Integer, dict[str, Any]: JSON}


class Fact(Base):
    """What there is one of: `revision`, counted up by every change of users; `epoch`, another in each store; `backup`,
    the last one (backups.py); `drift`, what was found of it (drift.py)."""

    __tablename__ = "facts"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class User(Base):
    """A person who may use the server; the engines know them as u and the id."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    name_key: Mapped[str] = mapped_column(String(128))
    """What names are compared and sorted by (panel/users/text.py); unique among those who are not deleted."""

    note: Mapped[str] = mapped_column(Text, default="")
    search_key: Mapped[str] = mapped_column(Text)
    """Name and note in the form that searches compare: neither database knows the case of all scripts."""

    is_enabled: Mapped[bool] = mapped_column(default=True)
    """The operator's switch."""

    status: Mapped[str] = mapped_column(String(16), default="active")
    """active, or why the engines do not know the user: disabled, expired, limited or deleted."""

    closed_protocols: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Protocols that are switched off for this user."""

    secrets: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The client's half of each protocol's secret, as panel/protocols.py describes it."""

    wireguard_number: Mapped[int | None] = mapped_column(unique=True)
    """Number of the first of two addresses in the peers' subnet; None if the subnet had none left."""

    subscription_generation: Mapped[int] = mapped_column(default=1)
    """Counted up when the link is revoked."""

    quota_bytes: Mapped[int | None]
    """Up and down together in one period; None for no limit."""

    quota_period: Mapped[str] = mapped_column(String(8), default="none")
    """none, day, week, month or year: when the used bytes begin at zero again."""

    period_began_at: Mapped[datetime]
    period_used_bytes: Mapped[int] = mapped_column(default=0)
    up_bytes: Mapped[int] = mapped_column(default=0)
    """Sent by the user in all the time."""

    down_bytes: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    """A deleted user's row, without secrets, stays until every engine has forgotten them."""

    last_seen_at: Mapped[datetime | None]
    link_read_at: Mapped[datetime | None]
    """When the subscription's link was last read."""

    link_read_by: Mapped[str] = mapped_column(String(128), default="")
    """What the program that read it said of itself."""

    revision: Mapped[int]
    """Of the store, when the engines' view of this user last changed."""

    __table_args__ = (
        Index("users_living_name", "name_key", unique=True, sqlite_where=text("deleted_at IS NULL"),
              postgresql_where=text("deleted_at IS NULL")),
        Index("users_revision", "revision"), Index("users_status", "status"),
        # An id is never given again: links, audit entries and the engines' counters are bound to it.
        {"sqlite_autoincrement": True})


class DrainedHost(Base):
    """A host of the fleet that users are not told of any more."""

    __tablename__ = "drained_hosts"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    drained_at: Mapped[datetime]


class Usage(Base):
    """A user's traffic by one protocol at one host, and what the engine's counters last said."""

    __tablename__ = "usage"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    host: Mapped[str] = mapped_column(String(32), primary_key=True, default=MAIN, server_default=MAIN)
    """Those of hosts that have left the fleet stay, for the sums."""

    protocol: Mapped[str] = mapped_column(String(24), primary_key=True)
    up_bytes: Mapped[int] = mapped_column(default=0)
    down_bytes: Mapped[int] = mapped_column(default=0)
    open_connections: Mapped[int] = mapped_column(default=0)
    last_seen_at: Mapped[datetime | None]
    instance: Mapped[str] = mapped_column(String(64), default="")
    """Run of the engine that the next two belong to; with another run they count from zero."""

    counted_up_bytes: Mapped[int] = mapped_column(default=0)
    counted_down_bytes: Mapped[int] = mapped_column(default=0)


class TrafficHour(Base):
    """Traffic of one hour, for charts."""

    __tablename__ = "traffic_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    """When the hour began."""

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    protocol: Mapped[str] = mapped_column(String(24), primary_key=True)
    up_bytes: Mapped[int] = mapped_column(default=0)
    down_bytes: Mapped[int] = mapped_column(default=0)

    __table_args__ = (Index("traffic_hours_user", "user_id", "hour"),)
