from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from panel import audit
from panel.alerts import outbox, watch
from panel.alerts.conditions import Condition
from panel.audit import Actor
from panel.store.alerts import Alarm, Message
from panel.store.database import Database

NOW = datetime(2026, 11, 25, tzinfo=UTC)
FAILED = Condition(kind="engine_failed", about="xray", sentence="xray is gone.", ending="xray is back.")


def minutes(number: float) -> datetime:
    return NOW + timedelta(minutes=number)


def see(database: Database, now: datetime, *found: Condition) -> None:
    with database.write() as session:
        watch.tell_conditions(session, now, found, ["webhook"])


def look_at_events(database: Database, now: datetime) -> None:
    with database.write() as session:
        watch.tell_events(session, now, ["webhook"])


def told(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Message.sentence).order_by(Message.id)))


def note(database: Database, action: str, target: str, actor: str = "panel", address: str = "", **detail: Any) -> None:
    with database.write() as session:
        audit.record(session, Actor(name=actor, address=address), action, target, **detail)


def test_a_condition_is_told_once_and_its_end_too(database: Database) -> None:
    for minute in range(3):
        see(database, minutes(minute), FAILED)
    assert told(database) == ["xray is gone."]
    see(database, minutes(4))
    see(database, minutes(8))
    assert told(database) == ["xray is gone."], "it may come back"
    see(database, minutes(9))
    assert told(database) == ["xray is gone.", "xray is back."]
    see(database, minutes(10))
    see(database, minutes(11), FAILED)
    assert told(database) == ["xray is gone.", "xray is back.", "xray is gone."]


def test_what_comes_and_goes_is_one_alarm(database: Database) -> None:
    for minute in range(0, 60, 4):
        see(database, minutes(minute), FAILED)
        see(database, minutes(minute + 2))
    assert told(database) == ["xray is gone."]


def test_of_what_nobody_knows_no_end_is_told(database: Database) -> None:
    see(database, NOW, FAILED)
    for minute in (1, 99):
        with database.write() as session:
            watch.tell_conditions(session, minutes(minute), [], ["webhook"], {FAILED.key})
    see(database, minutes(100))
    assert told(database) == ["xray is gone."]
    see(database, minutes(105))
    assert told(database) == ["xray is gone.", "xray is back."]


def test_two_of_a_kind_are_two(database: Database) -> None:
    other = Condition(kind="engine_failed", about="trojan", sentence="trojan is gone.", ending="trojan is back.")
    see(database, NOW, FAILED, other)
    see(database, minutes(1), FAILED)
    see(database, minutes(7), FAILED)
    assert told(database) == ["xray is gone.", "trojan is gone.", "trojan is back."]
    with database.read() as session:
        assert list(session.scalars(select(Alarm.key))) == ["engine_failed xray"]


def test_what_happened_before_the_first_start_is_no_news(database: Database) -> None:
    note(database, "user.status", "Anna (user 1)", status=["active", "limited"])
    look_at_events(database, NOW)
    look_at_events(database, minutes(100))
    assert told(database) == []


def test_events_are_told_at_once_and_then_together(database: Database) -> None:
    look_at_events(database, minutes(-100))
    for number in range(15):
        note(database, "user.status", f"user {number}", status=["active", "limited"])
        look_at_events(database, minutes(number))
    assert told(database) == ["Quota reached: user 0."]
    look_at_events(database, minutes(61))
    assert told(database)[1:] == [
        "Quota reached: " + ", ".join(f"user {number}" for number in range(5, 15)) + " and 4 more."]
    look_at_events(database, minutes(200))
    assert len(told(database)) == 2


@pytest.mark.integration
def test_an_event_that_comes_amid_the_look_is_told_once(on_postgresql: Database) -> None:
    database = on_postgresql
    look_at_events(database, minutes(-100))
    late = iter(["late"])

    def add(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "max(audit.id)" in statement:
            for name in late:
                note(database, "user.status", name, status=["active", "limited"])

    note(database, "user.status", "early", status=["active", "limited"])
    event.listen(database.engine, "after_cursor_execute", add)
    for minute in (0, 100, 200):
        look_at_events(database, minutes(minute))
    assert told(database) == ["Quota reached: early.", "Quota reached: late."]


def test_each_kind_of_event_is_told_with_what_an_operator_needs(database: Database) -> None:
    look_at_events(database, minutes(-100))
    note(database, "user.status", "Anna (user 1)", status=["active", "expired"])
    note(database, "user.status", "Boris (user 2)", status=["limited", "active"])
    note(database, "user.status", "Clara (user 3)", status=["active", "limited"])
    note(database, "sign-in.accept", "admin", "admin", "192.0.2.1", new_address=False)
    note(database, "sign-in.accept", "admin", "admin", "192.0.2.2", new_address=True)
    note(database, "sign-in.attempts", "admin", "a stranger", "192.0.2.3", attempts=8)
    note(database, "sign-in.attempts", "admin", "a stranger", "192.0.2.3", attempts=16)
    look_at_events(database, NOW)
    assert told(database) == [
        "Quota reached: Clara (user 3).", "Expired: Anna (user 1).",
        "Signed in from an address not seen before: admin from 192.0.2.2. "
        "If that was nobody you know, reset that account.",
        "Failed attempts to sign in are being slowed down: 16 at admin (last from 192.0.2.3)."]


def test_without_a_way_to_tell_alarms_are_still_known(database: Database) -> None:
    with database.write() as session:
        watch.tell_conditions(session, NOW, [FAILED], [])
        assert session.scalars(select(Alarm.sentence)).all() == ["xray is gone."]
    assert told(database) == []


def test_a_message_is_tried_again_and_again_for_a_day(database: Database) -> None:
    with database.write() as session:
        outbox.put(session, NOW, "engine_failed", "xray is gone.", ["webhook", "mail"])
    now, pauses = NOW, []
    with database.write() as session:
        while (message := outbox.due(session, now, "mail")) is not None:
            outbox.note_fault(message, now, "The mail server did not take it.")
            if message.next_at is not None:
                pauses.append((message.next_at - now) // timedelta(minutes=1))
                assert outbox.due(session, now, "mail") is None
                now = message.next_at
            session.flush()
    assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert timedelta(hours=23) <= now - NOW < timedelta(hours=24)


def test_what_is_delivered_is_not_due_and_what_is_old_goes(database: Database) -> None:
    with database.write() as session:
        outbox.put(session, NOW, "engine_failed", "xray is gone.", ["webhook"])
        message = outbox.due(session, NOW, "webhook")
        assert message is not None
        outbox.note_delivery(message, NOW)
        assert outbox.due(session, minutes(99), "webhook") is None
        outbox.sweep(session, NOW + timedelta(days=30))
        assert told_in(session) == 1
        outbox.sweep(session, NOW + timedelta(days=31))
        assert told_in(session) == 0


def told_in(session: Any) -> int:
    return len(session.scalars(select(Message)).all())


def test_restarts_by_the_watchdog_are_told_together(database: Database) -> None:
    look_at_events(database, NOW)
    note(database, "service.restart", "xray", actor="ops", reason="hangs")
    note(database, "service.restart", "caddy", actor="ops", reason="is unhealthy (refused)")
    look_at_events(database, minutes(6))
    assert told(database) == ["The watchdog restarted xray, which hangs, caddy, which is unhealthy (refused). "
                              "`ops status` shows how the services are now."]
