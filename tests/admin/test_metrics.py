import dataclasses
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from panel import PanelConfig, backups, create_app
from panel.engines import Certificate
from panel.store.database import Database
from tests.admin import through_caddy
from tests.admin.engines.people import add
from tests.admin.panel_file import METRICS_TOKEN, PATH
from tests.admin.people import Browser

ADDRESS = f"{PATH}/metrics"


def read(client: FlaskClient) -> dict[tuple[str, ...], float]:
    """Return each number by its name and the values of its labels, in the order of the labels' names."""
    answer = client.get(ADDRESS, headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    return {(sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(answer.text) for sample in family.samples}


@pytest.mark.parametrize("header", [
    None, "", "Bearer", "Bearer ", f"Bearer {METRICS_TOKEN}x", f"Bearer {METRICS_TOKEN[:-1]}", METRICS_TOKEN,
    f"Basic {METRICS_TOKEN}", "Bearer é"])
def test_without_the_token_there_are_no_numbers(client: FlaskClient, header: str | None) -> None:
    answer = client.get(ADDRESS, headers={} if header is None else {"Authorization": header.encode().decode("latin-1")})
    assert answer.status_code == 401
    assert b"stealth" not in answer.data


def test_the_former_token_opens_them_while_there_is_one(
    config: PanelConfig, database: Database,
) -> None:
    rotated = dataclasses.replace(config, metrics_token="t" * 32)
    overlapping = dataclasses.replace(rotated, former_metrics_token=METRICS_TOKEN)
    for given, tokens in ((rotated, {"t" * 32}), (overlapping, {"t" * 32, METRICS_TOKEN})):
        asked = through_caddy.client(create_app(given, database))
        assert {token for token in ("t" * 32, METRICS_TOKEN, "") if asked.get(
            ADDRESS, headers={"Authorization": f"Bearer {token}"}).status_code == 200} == tokens


def test_the_token_opens_nothing_else(client: FlaskClient) -> None:
    answer = client.get(f"{PATH}/api/v1/users", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    assert answer.status_code == 401


def test_no_sign_in_opens_the_numbers(owner: Browser) -> None:
    assert owner.client.get(ADDRESS).status_code == 401


def test_the_numbers_are_those_of_the_server(app: Flask, client: FlaskClient, database: Database) -> None:
    add(database, "Anna", "Boris")
    engines, door = app.extensions["engines"], app.extensions["accounts"].door
    engines._hosts[0].accountant.traffic.update({("tuic", "up"): 5, ("tuic", "down"): 7})
    engines._certificates = (Certificate(name="www.example.com", fault="unread."),)
    door.counts["refused"] += 3
    numbers = read(client)
    assert numbers["stealth_users", "active"] == 2
    assert numbers["stealth_users_online",] == 0
    assert numbers["stealth_traffic_bytes_total", "down", "tuic"] == 7
    assert numbers["stealth_logins_total", "refused"] == 3
    assert numbers["stealth_logins_total", "accepted"] == 0
    assert numbers["stealth_engine_state", "xray", "pending"] == 1
    assert numbers["stealth_engine_state", "xray", "applied"] == 0
    assert numbers["stealth_engine_lag_seconds", "xray"] > 0
    assert numbers["process_resident_memory_bytes",] > 1e6
    assert [name for name in numbers if name[0].startswith(("stealth_certificate", "stealth_last_backup"))] == []


def test_the_last_good_backup_is_a_number(client: FlaskClient, database: Database) -> None:
    made_at = datetime(2026, 11, 25, tzinfo=UTC)
    with database.write() as session:
        backups.note(session, made_at, is_scheduled=True)
    assert ("stealth_last_backup_timestamp_seconds",) not in read(client), "a schedule is no backup"
    with database.write() as session:
        backups.note(session, made_at, is_scheduled=True, size_bytes=5_000)
    numbers = read(client)
    assert numbers["stealth_last_backup_timestamp_seconds",] == made_at.timestamp()
    assert numbers["stealth_last_backup_bytes",] == 5_000


def test_requests_are_counted_by_view_and_never_by_path(client: FlaskClient) -> None:
    for path in (f"{PATH}/nothing-{number}" for number in range(3)):
        client.get(path)
    read(client)
    numbers = read(client)
    assert numbers["stealth_request_seconds_count", "none"] == 3
    assert numbers["stealth_request_seconds_count", "metrics.show"] == 1
    assert not any("nothing" in part for name in numbers for part in name)


def test_every_number_is_one_of_those_that_the_documents_are_held_to(client: FlaskClient) -> None:
    known = set(re.findall(r'"(stealth_\w+)"', Path("admin/panel/metrics.py").read_text()))
    shown = {re.sub("_(total|bucket|count|sum)$", "", name[0]) for name in read(client)}
    assert {name for name in shown if not name.startswith("process_")} <= known
