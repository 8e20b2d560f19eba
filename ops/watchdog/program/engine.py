"""What the engine tells of a stack's containers, by its API over its socket."""

import json
import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

_SHOWN_OUTPUT = 200
_ANSWER_SECONDS = 10.0
_FRAME_HEAD_BYTES = 8
_RETRIES = 3
"""The engine's own number of failed checks, where a container has none."""

_LABEL = "org.stealth-vpn.stack"


class Container(NamedTuple):
    """What matters here of one container."""

    service: str
    id: str
    pid: int
    """Of its first process, on this machine."""

    health: str
    """healthy, unhealthy, starting, or empty without a check; unhealthy only for checks that have failed."""

    said: str
    """What its last health check said."""

    is_kept: bool
    """Whether it runs and Docker starts it again when it ends."""


class Engine:
    """A Docker Engine by its socket, and the containers of one stack on it."""

    def __init__(self, path: str, stack: str) -> None:
        self._path, self._stack = path, stack

    def containers(self) -> Iterator[Container]:
        """Yield the running ones; raises OSError or ValueError when the engine does not answer."""
        filters = json.dumps({"label": [f"{_LABEL}={self._stack}"], "status": ["running"]})
        asked = "".join(f"%{byte:02x}" for byte in filters.encode())
        for entry in self._get(f"/containers/json?filters={asked}") or []:
            if found := self.container(entry["Id"]):
                yield found

    def container(self, name: str) -> Container | None:
        """Return one, or None when it is gone."""
        entry = self._get(f"/containers/{name}/json")
        return None if entry is None else _container(entry)

    def run(self, name: str, *command: str) -> str:
        """Run a program in a container and return what it prints; raises OSError or ValueError when it cannot run."""
        made = self._get(f"/containers/{name}/exec", {"AttachStdout": True, "Cmd": command})
        if made is None:
            raise ValueError(f"{name} does not run")
        with self._asked(f"/exec/{made['Id']}/start", {"Tty": False}) as connection:
            printed, _ = frames(_whole(connection).partition(b"\r\n\r\n")[2])
        return b"".join(printed).decode(errors="replace")

    def follow(self, name: str, since: str) -> socket.socket:
        """Ask for what a container says from a time on (RFC 3339, UTC), and return the connection that gives it out."""
        moment = datetime.fromisoformat(f"{since[:19]}+00:00").timestamp()
        return self._asked(f"/containers/{name}/logs?follow=1&stdout=1&stderr=1&timestamps=1"
                           f"&since={moment:.0f}{since[19:].rstrip('Z')}")

    def _get(self, path: str, sent: object = None) -> Any:
        with self._asked(path, sent) as connection:
            head, _, body = _whole(connection).partition(b"\r\n\r\n")
        status = head.split(b" ", 2)[1:2]
        if status == [b"404"]:
            return None
        if status not in ([b"200"], [b"201"]):
            raise ValueError(f"the engine answers {head[:_SHOWN_OUTPUT]!r}")
        return json.loads(body)

    def _asked(self, path: str, sent: object = None) -> socket.socket:
        # HTTP/1.0: the answer comes in one piece and ends with the connection. http.client would double the memory.
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_ANSWER_SECONDS)
            connection.connect(self._path)
            body = "" if sent is None else json.dumps(sent)
            connection.sendall(f"{'POST' if body else 'GET'} {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: "
                               f"application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        except OSError:
            connection.close()
            raise
        return connection


def frames(data: bytes) -> tuple[list[bytes], bytes]:
    """Return what is in the whole frames of a stream, and what is left of it.

    A frame has one byte for its stream, three of nothing, and the length of what follows in four (docs.docker.com,
    Engine API, ContainerAttach).
    """
    found = []
    while len(data) >= (begin := _FRAME_HEAD_BYTES):
        end = begin + int.from_bytes(data[4:begin], "big")
        if len(data) < end:
            break
        found.append(data[begin:end])
        data = data[end:]
    return found, data


def _whole(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def _container(entry: dict[str, Any]) -> Container:
    state = entry["State"]
    health = state.get("Health") or {}
    checks = health.get("Log") or []
    status = health.get("Status", "")
    # The engine says unhealthy also when it only checks no more, and after a pause until the next check (moby's
    # container/health.go, CloseMonitorChannel).
    if status == "unhealthy" and health["FailingStreak"] < (entry["Config"]["Healthcheck"].get("Retries") or _RETRIES):
        status = "starting"
    return Container(
        service=entry["Name"].removeprefix("/stealth-"), id=entry["Id"], pid=state["Pid"],
        health=status, said=printable(checks[-1]["Output"] if checks else ""),
        is_kept=state["Running"] and not state["Paused"] and not state["Restarting"] and state["Pid"] > 0
        and entry["HostConfig"]["RestartPolicy"]["Name"] == "always")


def printable(text: str) -> str:
    """Return the beginning of a text without what a terminal would obey."""
    # Whoever connects to the server can bring what a terminal obeys into a check's output.
    return "".join(letter if letter.isprintable() else " " for letter in text)[:_SHOWN_OUTPUT].strip()
