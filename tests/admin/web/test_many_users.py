"""Pages with 10,000 users: measured, printed and held against what was promised."""

import json
from functools import partial

import pytest

from panel.store.database import Database
from panel.users import exchange
from tests.admin.people import Browser
from tests.admin.users.facts import OPERATOR, SERVER
from tests.timing import p95

pytestmark = pytest.mark.integration
PEOPLE = 10_000
ROUNDS = 20
PROMISED_SECONDS = 0.3


def test_pages_come_within_the_promise(operator: Browser, database: Database) -> None:
    with database.write() as session:
        exchange.import_users(session, OPERATOR, SERVER, json.dumps(
            [{"name": f"person {number}", "note": "pays monthly"} for number in range(PEOPLE)]))
    for address in ("/users?page={0}", "/users?sort=used&page={0}", "/users?search=n%20{0}7", "/users?search=nobody{0}",
                    "/"):
        slow = p95(partial(visit, operator, address), ROUNDS, PROMISED_SECONDS)
        print(f"{address}: p95 {slow * 1000:.1f} ms")
        assert slow <= PROMISED_SECONDS, address


def visit(browser: Browser, address: str, number: int) -> None:
    assert browser.get(address.format(number * 3)).status_code == 200
