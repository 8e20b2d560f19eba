"""An agent without an engine, which follows images/builder/agent; test_agent.py holds both to the same claims."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from uuid import uuid4

from panel.engines.digest import digest

TOKEN = "short-lived-token-of-the-agents-of-the-tests"  # noqa: S105 # of the tests
Users = dict[str, dict[str, str]]


@dataclass
class FakeAgent:
    """What an agent knows, and what may be wrong with it; a test reads and sets all of it."""

    revision: str = ""
    users: Users = field(default_factory=dict)
    instance: str = field(default_factory=lambda: uuid4().hex)
    traffic: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    fault: str = ""
    """What the engine says against its users."""

    instead: Callable[[], tuple[int, str] | None] = lambda: None
    """Called before each answer; what it returns, a code and a text, is answered instead. A code of 0 hangs up."""

    asked: list[str] = field(default_factory=list)
    """METHOD PATH of each request."""

    def restart(self) -> None:
        """Begin another run of the engine, with the users that were written down and counters at zero."""
        self.instance, self.traffic = uuid4().hex, {}

    def status(self) -> dict[str, Any]:
        said = {"instance": self.instance, "revision": self.revision, "digest": digest(self.users),
                "users": len(self.users), "applied": not self.fault}
        return said | ({"fault": self.fault} if self.fault else {})

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        match method, path:
            case "GET", "/status":
                return 200, self.status()
            case "GET", "/traffic":
                return 200, {"instance": self.instance, "users": self.traffic or None}
            case "PATCH", "/users":
                if body["base"] != self.revision:
                    return 409, self.status()
                kept = {name: own for name, own in self.users.items() if name not in body["remove"]}
                return self._take(body["revision"], kept, body["set"])
            case "PUT", "/users":
                return self._take(body["revision"], {}, body["users"])
        return 404, "404 page not found"

    def _take(self, revision: str, users: Users, known: list[dict[str, Any]]) -> tuple[int, Any]:
        for user in known:
            if not user["secrets"] or not all(user["secrets"].values()):
                return 422, f"refused: user {user['name']} has no secret"
            users[user["name"]] = user["secrets"]
        self.revision, self.users = revision, users
        return 200, self.status()


class Served:
    """A FakeAgent on a port of its own."""

    def __init__(self, agent: FakeAgent) -> None:
        self.agent = agent
        self._server = _listen(agent, 0)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def die(self) -> None:
        """Stop listening, and end each open connection with its next request."""
        self._server.is_dead = True
        self._server.shutdown()
        self._server.server_close()

    def rise(self) -> None:
        """Listen again on the same port."""
        self._server = _listen(self.agent, self.port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    is_dead = False


def _listen(agent: FakeAgent, port: int) -> _Server:
    server = _Server(("127.0.0.1", port), _handler(agent))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


def _handler(agent: FakeAgent) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Else each answer waits for the acknowledgement of its head.
        wbufsize = -1

        def log_message(self, *arguments: Any) -> None:
            pass

        def _answer(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            agent.asked.append(f"{self.command} {self.path}")
            if cast(_Server, self.server).is_dead:
                code, said = 0, ""
            elif (instead := agent.instead()) is not None:
                code, said = instead
            elif self.headers["Authorization"] != f"Bearer {TOKEN}":
                code, said = 401, "the token is not the agent's"
            else:
                code, said = agent.answer(self.command, self.path, json.loads(text or b"null"))
            if code == 0:
                self.close_connection = True
                return
            body = (said if isinstance(said, str) else json.dumps(said)).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_PATCH = _answer  # noqa: N815 # http.server names them

    return Handler
