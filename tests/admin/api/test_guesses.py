"""Programs that guess: no answer is a server error, and every answer is what the description says."""

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from panel import users as service
from panel.accounts import local
from panel.audit import PANEL
from panel.store.database import Database
from panel.users import NewUser
from tests.admin import people
from tests.admin.panel_file import PATH, SESSION_KEY

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
HEADERS = {"Authorization": f"Bearer {local.token(SESSION_KEY)}"}


@pytest.fixture
def described(app: Flask, database: Database) -> Any:
    for name in ("ann", "bob", "eve"):
        people.add(database, name)
        with database.write() as session:
            service.create(session, PANEL, None, NewUser(name=name))
    answer = app.wsgi_app
    app.wsgi_app = lambda environ, start_response: answer(  # type: ignore[method-assign] # Flask's own way
        environ | {"REMOTE_ADDR": local.ADDRESS, "HTTP_HOST": local.ADDRESS}, start_response)
    return schemathesis.openapi.from_wsgi(f"{PATH}/api/v1/openapi.json", app, headers=HEADERS)


def guess(described: Any, number: int, **options: Any) -> None:
    """Make so many guesses at each operation; schemathesis' own fixtures do not fit this version of pytest."""
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) >= 25

    for operation in operations:
        @settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck), **options)
        @given(operation.as_strategy(), st.sampled_from([None, 1, 2, 3, 4]))
        def attempt(case: Case[Any], known_id: int | None) -> None:
            # By itself it would hardly ever guess the id of something that is there.
            case.path_parameters.update({
                name: known_id for name in case.path_parameters if name.endswith("_id") and known_id})
            case.call_and_validate(headers=HEADERS, checks=CHECKS)
            assert case.call().status_code == 401, "a stranger was answered"

        attempt()


def test_a_few_guesses(described: Any) -> None:
    guess(described, 6, derandomize=True)


@pytest.mark.integration
@pytest.mark.parametrize("number", [30, pytest.param(300, marks=pytest.mark.long)])
def test_many_guesses(described: Any, number: int) -> None:
    guess(described, number)
