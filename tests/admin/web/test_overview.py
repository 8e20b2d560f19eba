import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from panel.engines import Certificate, Engine, overview
from panel.store.alerts import Alarm
from panel.store.database import Database
from panel.web import warnings
from panel.web.warnings import Notice
from tests.admin import demo
from tests.admin.people import Browser

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def engine(state: str) -> Engine:
    return Engine(name="xray", state=state, fault="", users=0, lag_seconds=0.0, seen_at=None)


def certificate(days_before: int, days_left: int) -> Certificate:
    return Certificate(name="q.example.com", began_at=NOW - timedelta(days=days_before),
                       expires_at=NOW + timedelta(days=days_left))


def notices(
    app: Flask, database: Database, engines: tuple[Engine, ...] = (), certificates: tuple[Certificate, ...] = (),
    language: str = "en",
) -> list[Notice]:
    with app.test_request_context(headers={"Accept-Language": language}), database.read() as session:
        return list(warnings.of_server(session, overview.look(session, NOW, engines, certificates), NOW))


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
