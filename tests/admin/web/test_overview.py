import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from panel.alerts import outbox
from panel.config import AlertTargets
from panel.engines import Certificate, Engine, overview
from panel.store.alerts import Alarm, Message
from panel.store.database import Database
from panel.web import warnings
from panel.web.warnings import Notice
from tests.admin import demo
from tests.admin.people import Browser

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
NOWHERE = AlertTargets(webhook_url="", smtp_url="", mail_to="")


def engine(state: str) -> Engine:
    return Engine(name="xray", state=state, fault="", users=0, lag_seconds=0.0, seen_at=None)


def certificate(days_before: int, days_left: int) -> Certificate:
    return Certificate(name="q.example.com", began_at=NOW - timedelta(days=days_before),
                       expires_at=NOW + timedelta(days=days_left))


def notices(
    app: Flask, database: Database, engines: tuple[Engine, ...] = (), certificates: tuple[Certificate, ...] = (),
    language: str = "en", alerts: AlertTargets = NOWHERE,
) -> list[Notice]:
    with app.test_request_context(headers={"Accept-Language": language}), database.read() as session:
        return list(warnings.of_server(session, overview.look(session, NOW, engines, certificates), alerts, NOW))


@pytest.mark.parametrize(("state", "kinds"), [("applied", []), ("pending", [""]), ("failed", ["bad"])])
def test_an_engine_that_lacks_changes_is_named(app: Flask, database: Database, state: str, kinds: list[str]) -> None:
    found = notices(app, database, engines=(engine(state),))
    assert [one.kind for one in found] == kinds
    assert all(one.sentence.startswith("Xray ") for one in found)


@pytest.mark.parametrize(("shown", "is_due"), [
    (certificate(60, 30), False), (certificate(85, 5), True), (certificate(0, 5), False),
    (Certificate(name="q.example.com", fault="its certificate could not be read."), False)])
def test_a_certificate_that_is_late_is_named(
    app: Flask, database: Database, shown: Certificate, is_due: bool,
) -> None:
    found = notices(app, database, certificates=(shown,))
    assert [(one.kind, "q.example.com" in one.sentence) for one in found] == [("warn", True)] * is_due


def test_an_alarm_that_lasts_is_told_in_the_reader_s_language(app: Flask, database: Database) -> None:
    with database.write() as session:
        for key, absent_since in (("disk_nearly_full store", None), ("audit_broken audit", NOW),
                                  # The engine itself says that now.
                                  ("engine_failed xray", None)):
            session.add(Alarm(key=key, began_at=NOW, absent_since=absent_since, sentence="English.", ending="Over."))
    assert [(one.kind, one.sentence.split()[0]) for one in notices(app, database, language="ru")] == [("bad", "Диск")]


@pytest.mark.parametrize(("key", "name"), [
    ("certificate_unreadable q.example.com", "q.example.com"), ("traffic_uncounted singbox", "sing-box"),
    ("backup_overdue backup", "`make backup`"), ("drift_found server", "`ops drift`")])
def test_an_alarm_names_what_it_is_about(app: Flask, database: Database, key: str, name: str) -> None:
    with database.write() as session:
        session.add(Alarm(key=key, began_at=NOW, sentence="English.", ending="Over."))
    for language in ("en", "fa", "ru", "zh"):
        (said,) = notices(app, database, language=language)
        assert (said.kind, name in said.sentence) == ("bad", True)


def test_a_receiver_of_messages_that_is_deaf_is_named_as_long_as_it_is_configured(
    app: Flask, database: Database,
) -> None:
    both = AlertTargets(webhook_url="https://hooks.example", smtp_url="smtps://mail.example", mail_to="a@example.com")
    with database.write() as session:
        for _ in range(2):
            outbox.put(session, NOW, "quota_reached", "Quota reached: Anna.", ["webhook", "mail"])
    assert notices(app, database, alerts=both) == [], "nothing was tried yet"
    with database.write() as session:
        first = {message.channel: message for message in session.scalars(select(Message).order_by(Message.id.desc()))}
        outbox.note_fault(first["webhook"], NOW, "refused")
        outbox.note_delivery(first["mail"], NOW)
    (said,) = notices(app, database, alerts=both)
    assert (said.kind, "alertWebhookUrl" in said.sentence) == ("warn", True)
    assert notices(app, database) == []
    with database.write() as session:
        for message in session.scalars(select(Message).where(Message.next_at.is_not(None))):
            outbox.note_delivery(message, NOW)
    assert notices(app, database, alerts=both) == []


def test_without_a_warning_the_overview_says_that_nothing_is_wrong(
    app: Flask, database: Database, operator: Browser,
) -> None:
    # As it is before the engines are asked for the first time.
    assert "Nothing is wrong" not in operator.get("/").text
    app.extensions["engines"] = demo.Engines(database, states={"xray": "applied"}, certificates=())
    assert "Nothing is wrong" in operator.get("/").text


def test_the_overview_shows_how_long_each_certificate_lasts(app: Flask, database: Database, operator: Browser) -> None:
    app.extensions["engines"] = demo.Engines(database)
    text = operator.get("/").text
    assert "Nothing is wrong" not in text
    (table,) = re.findall(r'<h2 id="certificates">.*?</ul>', text, re.S)
    lasts = re.findall(r"<bdi[^>]*>(\w+)\.example\.com</bdi>\s*<span[^>]*>(?:<[^>]*>)*([^<]*)<", table)
    assert lasts == [("app", "in 2 months"), ("cdn", "in 2 months"), ("img", "in 2 months"), ("www", "in 2 months"),
                     ("q", "in 2 days"), ("t", "unknown")]
