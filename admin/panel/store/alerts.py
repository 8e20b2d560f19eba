"""Tables of what operators are told of."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from .models import Base


class Alarm(Base):
    """A condition that operators were told of and that still holds, so that they are not told again."""

    __tablename__ = "alarms"

    key: Mapped[str] = mapped_column(String(160), primary_key=True)
    """Its kind and what it is about, such as `engine_failed xray`."""

    began_at: Mapped[datetime]
    absent_since: Mapped[datetime | None]
    """What comes back soon is no news, so an alarm ends some time after its condition has gone."""

    sentence: Mapped[str] = mapped_column(Text)
    ending: Mapped[str] = mapped_column(Text)
    """What operators are told when it ends."""


class Message(Base):
    """What operators are told, by one way; it stays until it is delivered, and some time after."""

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    """When it happened."""

    channel: Mapped[str] = mapped_column(String(8))
    """webhook or mail."""

    kind: Mapped[str] = mapped_column(String(32))
    sentence: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    """When it is to be tried; None if it was delivered or given up."""

    delivered_at: Mapped[datetime | None]
    fault: Mapped[str] = mapped_column(Text, default="")
    """Of the last attempt, without secrets."""
