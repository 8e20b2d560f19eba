"""Messages wait in the store until they are delivered, so that neither a crash nor a deaf receiver loses one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ..store.alerts import Message

GIVEN_UP_AFTER = timedelta(days=1)
_KEPT = timedelta(days=30)
_LONGEST_PAUSE_MINUTES = 60


def put(session: Session, now: datetime, kind: str, sentence: str, channels: Sequence[str]) -> None:
    """Let something be told by every channel."""
    session.add_all([
        Message(at=now, channel=channel, kind=kind, sentence=sentence, next_at=now) for channel in channels])


def due(session: Session, now: datetime, channel: str) -> Message | None:
    """Return the oldest message of the channel that is to be tried now."""
    return session.scalars(select(Message).where(Message.channel == channel, Message.next_at <= now).order_by(
        Message.id).limit(1)).first()


def is_deaf(session: Session, channel: str) -> bool:
    """Return whether the newest message that was tried by the channel has not arrived."""
    newest = session.scalars(select(Message).where(Message.channel == channel, Message.attempts > 0).order_by(
        Message.id.desc()).limit(1)).first()
    return newest is not None and newest.delivered_at is None


def note_delivery(message: Message, now: datetime) -> None:
    """Write down that a message has arrived."""
    message.attempts += 1
    message.next_at, message.delivered_at, message.fault = None, now, ""


def note_fault(message: Message, now: datetime, fault: str) -> None:
    """Write down that it has not, and when to try again: after 1, 2, 4, ... minutes, for a day."""
    pause = timedelta(minutes=min(2**message.attempts, _LONGEST_PAUSE_MINUTES))
    message.attempts += 1
    message.next_at = now + pause if now + pause - message.at < GIVEN_UP_AFTER else None
    message.fault = fault


def withdraw(session: Session, channels: Sequence[str]) -> None:
    """Give up what waits for a channel that is not among these: nobody would ever deliver it."""
    session.execute(update(Message).where(Message.next_at.is_not(None), Message.channel.not_in(channels)).values(
        next_at=None, fault="This way to tell is not configured any more."))


def sweep(session: Session, now: datetime) -> None:
    """Drop what is old."""
    session.execute(delete(Message).where(Message.at < now - _KEPT))
