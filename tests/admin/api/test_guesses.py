"""Programs that guess: no answer is a server error, and every answer is what the description says."""

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from panel.accounts import local
from tests.admin.panel_file import PATH, SESSION_KEY

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
HEADERS = {"Authorization": f"Bearer {local.token(SESSION_KEY)}"}


@pytest.fixture
def described(app: Flask) -> Any:
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
        @given(operation.as_strategy())
        def attempt(case: Case[Any]) -> None:
            case.call_and_validate(headers=HEADERS, checks=CHECKS)

        attempt()


def test_a_few_guesses(described: Any) -> None:
    guess(described, 6, derandomize=True)


@pytest.mark.integration
def test_many_guesses(described: Any) -> None:
    guess(described, 300)
