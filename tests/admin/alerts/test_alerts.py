"""The whole room against a webhook that listens."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import func, select

from panel import audit
from panel.alerts import Alerts, outbox
from panel.config import AlertTargets, PanelConfig
from panel.engines import Certificate
from panel.store.alerts import Alarm, Message
from panel.store.database import Database
from panel.store.models import Fact
from tests.admin.alerts.receivers import Hook

PATIENCE_SECONDS = 10


@pytest.fixture
def alerts(config: PanelConfig, database: Database, app: Flask, hook: Hook) -> Iterator[Alerts]:
    targets = AlertTargets(webhook_url=f"http://127.0.0.1:{hook.server_port}/", smtp_url="", mail_to="")
    alerts = Alerts(dataclasses.replace(config, alerts=targets), database, app.extensions["engines"],
                    app.extensions["accounts"])
    yield alerts
    alerts.stop()
    for loop in alerts._loops:
        # Its step may have a connection to the store, which ends next.
        loop.join(PATIENCE_SECONDS)


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "it does not come to hold"
        time.sleep(0.005)


def put(database: Database, *sentences: str) -> None:
    with database.write() as session:
        for sentence in sentences:
            outbox.put(session, datetime.now(UTC), "engine_failed", sentence, ["webhook"])


def test_a_broken_audit_log_reaches_the_operator(alerts: Alerts, app: Flask, hook: Hook) -> None:
    app.extensions["accounts"].upkeep.audit_broken_at = 3
    alerts.watch()
    alerts.start()
    wait_until(lambda: bool(hook.posts))
    assert hook.posts[0].said["kind"] == "audit_broken"
    assert hook.posts[0].said["server"] == "example.com"
    assert "entry 3; compare it with a copy" in hook.posts[0].said["sentence"]


def test_a_panel_that_ends_while_it_writes_down_what_to_tell_repeats_nothing(
    alerts: Alerts, app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch,
) -> None:
    with database.write() as session:
        session.add(Fact(key="told quota_reached", value=f"0 {datetime.min.replace(tzinfo=UTC).isoformat()}"))
        audit.record(session, audit.PANEL, "user.status", "Anna (user 1)", status=["active", "limited"])
    app.extensions["accounts"].upkeep.audit_broken_at = 1
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "sweep", end)
        with pytest.raises(KeyboardInterrupt):
            alerts.watch()
    with database.read() as session:
        assert session.scalar(select(func.count(Alarm.key)).select_from(Alarm)) == 0
    for _ in range(2):
        alerts.watch()
    with database.read() as session:
        assert sorted(session.scalars(select(Message.kind))) == ["audit_broken", "quota_reached"]


def end(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_certificate_that_cannot_be_read_is_not_told_as_renewed(
    alerts: Alerts, app: Flask, database: Database,
) -> None:
    name, old = "www.example.com", datetime.min.replace(tzinfo=UTC)
    with database.write() as session:
        session.add(Alarm(key=f"certificate_expires {name}", began_at=old, absent_since=old, sentence="", ending=""))
    for certificate in (Certificate(name=name), Certificate(name=name, fault="gone.", fault_began_at=old)):
        app.extensions["engines"]._certificates = (certificate,)
        alerts.watch()
    with database.read() as session:
        assert list(session.scalars(select(Message.kind))) == ["certificate_unreadable"]
        assert sorted(session.scalars(select(Alarm.key))) == [
            f"certificate_expires {name}", f"certificate_unreadable {name}"]


def test_nothing_waits_for_a_way_that_was_taken_out_of_the_configuration(alerts: Alerts, database: Database) -> None:
    with database.write() as session:
        outbox.put(session, datetime.now(UTC), "engine_failed", "one", ["webhook", "mail"])
    alerts.watch()
    with database.read() as session:
        left = {message.channel: message for message in session.scalars(select(Message))}
    assert (left["webhook"].next_at is None, left["webhook"].fault) == (False, "")
    assert (left["mail"].next_at, left["mail"].fault) == (None, "This way to tell is not configured any more.")


def test_what_waits_is_delivered_in_its_order_and_once(alerts: Alerts, database: Database, hook: Hook) -> None:
    put(database, "one", "two", "three")
    way, = alerts._channels
    alerts.deliver(way)
    alerts.deliver(way)
    assert [post.said["sentence"] for post in hook.posts] == ["one", "two", "three"]


def test_a_deaf_receiver_is_asked_once_and_loses_nothing(alerts: Alerts, database: Database, hook: Hook) -> None:
    hook.code = 503
    put(database, "one", "two")
    way, = alerts._channels
    alerts.deliver(way)
    assert [post.said["sentence"] for post in hook.posts] == ["one"]
    with database.write() as session:
        first = session.scalars(select(Message).order_by(Message.id)).first()
        assert first is not None
        assert (first.attempts, first.fault) == (1, "The webhook answers 503; look at what alertWebhookUrl leads to.")
        first.next_at = datetime.now(UTC)
    hook.code = 204
    alerts.deliver(way)
    assert [post.said["sentence"] for post in hook.posts[1:]] == ["one", "two"]
    assert len({post.said["id"] for post in hook.posts}) == 2, "a receiver knows a repetition by its id"
