"""An engine's socket whose containers are processes of the test."""

import json
import os
import signal
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from io import BufferedIOBase
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

# A shell that waits for a child, as the first process of some containers does; SIGTERM ends it.
TREE = "trap 'kill $!; exit 0' TERM; sleep 600 & wait"


class Daemon:
    """One container: a process that is started again when it ends, as Docker does."""

    def __init__(self, script: str = TREE) -> None:
        self.script, self.policy, self.is_paused = script, "always", False
        self.health, self.said, self.failures = "healthy", "", 3
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(["sh", "-c", self.script], start_new_session=True)
        self.await_child()

    def await_child(self) -> None:
        while [Path(f"/proc/{pid}/comm").read_text() for pid in self.children()] != ["sleep\n"]:
            time.sleep(0.001)

    def children(self) -> list[int]:
        return list(map(int, Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()))

    def freeze(self, pid: int) -> None:
        """Stop a process, and wait until it is."""
        os.kill(pid, signal.SIGSTOP)
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.001)

    def ended_by(self) -> int:
        """Return the exit code, minus the signal's number if one ended it; fails when it runs on."""
        return self.process.wait(timeout=10)

    def end(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def entry(self, name: str) -> dict[str, Any]:
        return {"Id": f"id-of-{name}", "Name": f"/stealth-{name}",
                "Config": {"Healthcheck": {"Retries": 3}},
                "HostConfig": {"RestartPolicy": {"Name": self.policy}},
                "State": {"Pid": self.process.pid, "Running": True, "Paused": self.is_paused, "Restarting": False,
                          "Health": {"Status": self.health, "FailingStreak": self.failures,
                                     "Log": [{"Output": self.said}]}}}


class FakeEngine:
    """Plays Docker's API for the containers of the stack `local`."""

    def __init__(self, path: Path) -> None:
        self.path, self.daemons, self.asked = path, {"xray": Daemon()}, 0
        self.said: dict[str, list[bytes]] = {}
        """Lines of each container with their times, all of which a request gets before its stream ends."""

        self.run: list[tuple[str, list[str]]] = []
        """What was to be run in which container."""

        self.prints = b""
        """What it prints."""

        self.asked_since: list[str] = []
        self.is_slow = False
        """Whether a stream comes in pieces of a few bytes."""


@contextmanager
def serving(path: Path) -> Iterator[FakeEngine]:
    """Serve such an engine at a socket."""
    engine = FakeEngine(path)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            engine.asked += 1
            if "/logs?" in self.path:
                self.send_response(200)
                self.end_headers()
                _give_out(engine, self.path, self.wfile)
                return
            found = _answer(engine, self.path)
            self.send_response(200 if found is not None else 404)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            is_start = self.path.endswith("/start")
            if not is_start:
                engine.run.append((self.path.split("/")[2], sent["Cmd"]))
            self.send_response(200 if is_start else 201)
            self.end_headers()
            self.wfile.write(_framed(engine.prints) if is_start else b'{"Id": "1"}')

        def log_message(self, *_: object) -> None:
            pass

        def address_string(self) -> str:
            return "a socket has no address"

    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield engine
        finally:
            server.shutdown()
            thread.join()
            for daemon in engine.daemons.values():
                daemon.end()


def _give_out(engine: FakeEngine, path: str, stream: BufferedIOBase) -> None:
    asked = parse_qs(urlsplit(path).query)
    assert (asked["follow"], asked["timestamps"]) == (["1"], ["1"])
    engine.asked_since.append(asked["since"][0])
    lines = engine.said.get(path.split("/")[2].removeprefix("id-of-"), [])
    frames = b"".join(map(_framed, lines))
    size = 7 if engine.is_slow else len(frames) or 1
    for begin in range(0, len(frames), size):
        stream.write(frames[begin:begin + size])
        stream.flush()


def _framed(data: bytes) -> bytes:
    return b"\x01\0\0\0" + len(data).to_bytes(4, "big") + data


def _answer(engine: FakeEngine, path: str) -> Any:
    entries = [daemon.entry(name) for name, daemon in engine.daemons.items()]
    if path.startswith("/containers/json"):
        filters = json.loads(parse_qs(urlsplit(path).query)["filters"][0])
        assert filters == {"label": ["org.stealth-vpn.stack=local"], "status": ["running"]}
        return [{"Id": entry["Id"]} for entry in entries]
    return next((entry for entry in entries if path == f"/containers/{entry['Id']}/json"), None)
