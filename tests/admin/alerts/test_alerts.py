"""The whole room against a webhook that listens."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from panel.alerts import Alerts, outbox
from panel.config import AlertTargets, PanelConfig
from panel.store.alerts import Message
from panel.store.database import Database
from tests.admin.alerts.receivers import Hook

PATIENCE_SECONDS = 10


@pytest.fixture
def alerts(config: PanelConfig, database: Database, app: Flask, hook: Hook) -> Iterator[Alerts]:
    targets = AlertTargets(webhook_url=f"http://127.0.0.1:{hook.server_port}/", smtp_url="", mail_to="")
    alerts = Alerts(dataclasses.replace(config, alerts=targets), database, app.extensions["engines"],
                    app.extensions["accounts"])
    yield alerts
    alerts.stop()


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
