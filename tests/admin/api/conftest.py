from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from panel.accounts import local
from tests.admin.panel_file import PATH, SESSION_KEY


class Api:
    """The API as the container's own program calls it, which may do everything."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200, **options: Any) -> Any:
        """Return the answer's JSON; the status must be the given one."""
        answer = self.raw(method, path, body, **options)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json() if answer.data else None

    def raw(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {local.token(SESSION_KEY)}", **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        return self._client.open(f"{PATH}/api/v1{path}", method=method, headers=headers, **options)


@pytest.fixture
def api(app: Flask) -> Api:
    """The API of a panel whose engines are not asked."""
    return Api(app.test_client())
