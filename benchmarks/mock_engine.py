"""Engines that only remember: as much of Docker's API as a provider asks of it, at any number of sockets.

What is made is there and healthy at once, so that what takes time is the program, Pulumi, its providers and policies.
It is no test of anything: no rule of a real engine is kept.
"""

import json
import secrets
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

VERSION = "1.45"
BUILDER = """#!/bin/sh
# Stands for Docker's own client. Asked to build an image it writes an id, the same for the same name; asked for
# anything else it agrees, so that every engine has every image.
while [ $# -gt 0 ]; do
  case $1 in --iidfile) file=$2 ;; --tag) tag=$2 ;; esac
  shift
done
[ -n "${file:-}" ] || exit 0
printf 'sha256:%s' "$(printf %s "$tag" | sha256sum | cut -c 1-64)" >"$file"
"""
_HEALTHY = {"Status": "running", "Running": True, "Health": {"Status": "healthy", "FailingStreak": 0, "Log": []}}


class MockEngine:
    """What one engine has been told."""

    def __init__(self) -> None:
        self.things: dict[tuple[str, str], dict[str, Any]] = {}
        """By kind and id, and by kind and name."""

    def answer(self, method: str, words: list[str], query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        """Return status and what is said to a request."""
        match method, words:
            case _, ["_ping"]:
                return 200, {}
            case "GET", ["version"]:
                return 200, {"ApiVersion": VERSION, "Version": "26.1.5"}
            case "GET", ["info"]:
                return 200, {"NCPU": 2}
            case "GET", ["images", name, "json"]:
                return 200, {"Id": name}
            case "POST", [kind, "create"]:
                return 201, self._made(kind, query.get("name", [""])[0], body)
            case "POST", ["networks", name, "connect"]:
                network = self.things["networks", name]
                container = self.things["containers", body["Container"]]
                container["NetworkSettings"]["Networks"][network["Name"]] = (
                    body.get("EndpointConfig") or {}) | {"NetworkID": network["Id"]}
                return 200, {}
            case "POST", ["containers", name, "start"]:
                self.things["containers", name]["State"] = _HEALTHY
                return 204, None
            case "GET", [kind, name, *_] if (kind, name) in self.things:
                return 200, self.things[kind, name]
            case "DELETE", [kind, name] if (kind, name) in self.things:
                gone = self.things[kind, name]
                self.things = {key: thing for key, thing in self.things.items() if thing is not gone}
                return 204, None
            case "GET" | "DELETE", _:
                return 404, {"message": "no such thing"}
        return 200, {}

    def _made(self, kind: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        name = name or body.get("Name", "")
        number = name if kind == "volumes" else secrets.token_hex(32)
        thing: dict[str, Any] = {"Id": number, "Name": f"/{name}" if kind == "containers" else name}
        if kind == "containers":
            host = {"LogConfig": {"Type": "json-file"}} | body.pop("HostConfig", {})
            thing |= {"Config": body, "Image": body["Image"], "HostConfig": host, "RestartCount": 0,
                      "State": {"Status": "created", "Running": False}, "NetworkSettings": {"Networks": {}}}
        else:
            thing = body | thing | {"Scope": "local", "Mountpoint": f"/mock/{name}"}
            thing["IPAM"] = body.get("IPAM") or {"Config": []}
        self.things[kind, number] = self.things[kind, name] = thing
        return thing


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, place: Path, engine: MockEngine) -> None:
        self.engine = engine
        super().__init__(str(place), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else each answer waits for the acknowledgement of its head.
    wbufsize = -1

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        address = urlsplit(self.path)
        words = [unquote(word) for word in address.path.strip("/").split("/")]
        if words[0].startswith("v1."):
            del words[0]
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(text) if text and self.headers.get("Content-Type") == "application/json" else {}
        assert isinstance(self.server, _Server)
        status, said = self.server.engine.answer(self.command, words, parse_qs(address.query), body)
        shown = b"" if said is None else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Api-Version", VERSION)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(shown)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(shown)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - http.server names them


@contextmanager
def engines(folder: Path, count: int) -> Iterator[list[str]]:
    """Run so many engines, and give their addresses."""
    with ExitStack() as stack:
        places = [folder / f"{number}.sock" for number in range(count)]
        for place in places:
            server = stack.enter_context(_Server(place, MockEngine()))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        yield [f"unix://{place}" for place in places]
