"""The panel's API as a program far away uses it: by a token, through Caddy, on the public port."""

import http.client
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from ops import subscription
from ops.docker import Engine
from ops.panel import Panel
from tests.e2e.deployment import ENGINE_ADDRESS, Server, address

_PATIENCE_SECONDS = 20
_MOST_AT_ONCE = 5_000
_TOKEN = {"name": "end-to-end tests", "scopes": ["users:read", "users:write", "server:read"], "days": 1}


class PanelApi:
    """The API over one connection that stays open."""

    def __init__(self, line: http.client.HTTPConnection, path: str, token: str) -> None:
        self._line = line
        self._path = path
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the answer's JSON, or None where it has none; fails unless all went well."""
        text = None if body is None else json.dumps(body)
        self._line.request(method, self._path + path, text, self._headers)
        answer = self._line.getresponse()
        said = answer.read()
        assert answer.status in (200, 201, 204), f"{method} {path}: {answer.status} {said.decode()}"
        return json.loads(said) if said else None

    def add(self, name: str) -> tuple[int, str]:
        """Add a user; return their id and link."""
        made = self.call("POST", "/users", {"name": name})["id"]
        return made, self.call("GET", f"/users/{made}/link")["url"]

    def remove(self, ids: list[int]) -> None:
        """Remove users, many at once."""
        for first in range(0, len(ids), _MOST_AT_ONCE):
            self.call("POST", "/users/bulk", {"action": "delete", "ids": ids[first:first + _MOST_AT_ONCE]})

    def when_applied(self, *, patience_seconds: float = _PATIENCE_SECONDS, after: float = 0) -> float:
        """Wait until every engine has all users as the store has them; return the moment, in seconds since 1970.

        `after` is a moment since which each engine must have been asked.
        """
        end = time.time() + patience_seconds
        while True:
            engines = self.call("GET", "/overview")["engines"]
            if engines and all(engine["state"] == "applied" and datetime.fromisoformat(
                    engine["seen_at"]).timestamp() > after for engine in engines):
                return time.time()
            assert time.time() < end, engines
            time.sleep(0.05)

    def ids(self) -> dict[str, int]:
        """Return the ids of all users by name."""
        found: dict[str, int] = {}
        for page in itertools.count(1):
            answer = self.call("GET", f"/users?page={page}&page_size=200")
            found |= {user["name"]: user["id"] for user in answer["users"]}
            if page >= answer["pages"]:
                return found
        raise AssertionError


@contextmanager
def panel_api(server: Server) -> Iterator[PanelApi]:
    """Use the API for as long as the block lasts, by a token of its own."""
    outputs = server.outputs()
    split = urlsplit(outputs["panelUrl"])
    inside = Panel(Engine(ENGINE_ADDRESS))
    (owner,) = (account["id"] for account in inside.call("GET", "/accounts") if account["role"] == "owner")
    token = inside.call("POST", f"/accounts/{owner}/tokens", _TOKEN)
    line = subscription.connect(
        str(split.hostname), address("caddy"), outputs["authorityCertificate"], _PATIENCE_SECONDS)
    try:
        yield PanelApi(line, f"{split.path.rstrip('/')}/api/v1", token["token"])
    finally:
        line.close()
        inside.call("DELETE", f"/accounts/{owner}/tokens/{token['id']}")
