"""Asks a panel's API on loopback as `ops` does."""

import http.client
import json
from typing import Any

from panel.accounts import local
from tests.admin import panel_file


def ask(port: int, method: str, path: str, body: object = None, *, patience_seconds: float) -> Any:
    """Return what the API says; raises OSError or HTTPException if the panel does not answer, or dies meanwhile."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience_seconds)
    try:
        connection.request(method, f"{panel_file.PATH}/api/v1{path}", json.dumps(body), {
            "Authorization": f"Bearer {local.token(panel_file.SESSION_KEY)}", "Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status < 300, text
        return json.loads(text or b"null")
    finally:
        connection.close()
