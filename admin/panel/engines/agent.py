"""Client of the agent inside an engine; the protocol is that of images/builder/agent/server.go (decision 0015).

The one place that opens a connection to an engine.
"""

import http.client
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

Secrets = Mapping[str, str]
"""What an engine knows a user by, for each protocol of the engine that is open to them."""

# An agent answers from memory; it is silent for longer only while it tells its engine of many users.
_ANSWER_SECONDS = 5.0
_TELL_SECONDS = 30.0
# Counters of ten thousand users take about 3 MB.
_MOST_BYTES = 32 << 20
# What reading an answer of another shape raises.
_WRONG = (TypeError, KeyError, AttributeError, ValueError, OverflowError)
_WRONG_SENTENCE = "its agent answers what no agent answers; deploy the engine anew."


class AgentError(Exception):
    """The engine's agent could not be asked, or refused; the text is a sentence for the operator, without secrets."""


class ConflictError(AgentError):
    """The change builds on another revision than the agent has."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """What an agent says of itself."""

    instance: str
    """Another word after each start of the engine."""

    revision: str
    """The word that came with the users; empty if none ever came."""

    digest: str
    """Of the users, as digest.py makes it."""

    users: int
    applied: bool
    """The engine knows these users and no others."""

    fault: str = ""
    """Why not, if it does not."""


@dataclass(frozen=True, kw_only=True)
class Counters:
    """Traffic of one user by one protocol since the engine's start."""

    up: int
    down: int
    open: int
    """Connections that are open."""

    seen: int = 0
    """When the user was last heard from, in seconds of Unix time; 0 where the engine counts connections."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Counters of all users of an engine, by engine's name of the user and protocol."""

    instance: str
    users: dict[str, dict[str, Counters]]


class Agent:
    """A connection to one agent, kept open between requests; for one thread."""

    def __init__(self, url: str, token: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=_ANSWER_SECONDS)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def status(self) -> Status:
        """Return what the agent says of itself; raises AgentError."""
        return _status(self._ask("GET", "/status"))

    def traffic(self) -> Report:
        """Return all counters; raises AgentError."""
        said = self._ask("GET", "/traffic")
        try:
            # Go writes a map that nobody made as null.
            return Report(instance=said["instance"], users={
                user: {protocol: _counters(counted) for protocol, counted in protocols.items()}
                for user, protocols in (said["users"] or {}).items()})
        except _WRONG:
            raise AgentError(_WRONG_SENTENCE) from None

    def change(self, base: str, revision: str, known: Mapping[str, Secrets], unknown: list[str]) -> Status:
        """Make some users known and others unknown; raises ConflictError if the agent's revision is not base."""
        return self._tell("PATCH", {
            "base": base, "revision": revision, "set": _listed(known), "remove": unknown})

    def replace(self, revision: str, known: Mapping[str, Secrets]) -> Status:
        """Make these users known and all others unknown; raises AgentError."""
        return self._tell("PUT", {"revision": revision, "users": _listed(known)})

    def close(self) -> None:
        """End the connection; the next request opens another."""
        self._connection.close()

    def _tell(self, method: str, body: dict[str, Any]) -> Status:
        return _status(self._ask(method, "/users", json.dumps(body).encode(), _TELL_SECONDS))

    def _ask(self, method: str, path: str, body: bytes | None = None, seconds: float = _ANSWER_SECONDS) -> Any:
        was_open = self._connection.sock is not None
        try:
            code, text = self._exchange(method, path, body, seconds)
        except ConnectionError:
            if not was_open:
                raise AgentError("its agent refuses the connection; look at the engine's container.") from None
            # The agent ended an idle connection, or was restarted.
            return self._ask(method, path, body, seconds)
        except TimeoutError:
            raise AgentError(f"its agent did not answer within {seconds:g} seconds; "
                             "look at the engine's container.") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise AgentError(f"its agent cannot be reached ({reason}); look at the engine's container.") from None
        return _checked(code, text)

    def _exchange(self, method: str, path: str, body: bytes | None, seconds: float) -> tuple[int, bytes]:
        connection = self._connection
        connection.timeout = seconds
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        try:
            connection.request(method, path, body, self._headers)
            answer = connection.getresponse()
            text = answer.read(_MOST_BYTES + 1)
            if len(text) > _MOST_BYTES:
                raise http.client.HTTPException("its answer has no end")
            return answer.status, text
        except BaseException:
            # Half an exchange would be taken for the next one's.
            with suppress(OSError):
                connection.close()
            raise


def _listed(known: Mapping[str, Secrets]) -> list[dict[str, Any]]:
    return [{"name": name, "secrets": dict(secrets)} for name, secrets in known.items()]


def _checked(code: int, text: bytes) -> Any:
    if code == HTTPStatus.CONFLICT:
        raise ConflictError("its agent has another revision.")
    if code == HTTPStatus.UNAUTHORIZED:
        raise AgentError("its agent has another token than the panel; deploy both anew.")
    if code != HTTPStatus.OK:
        # The agent's sentences name no secret (images/builder/agent/users.go).
        raise AgentError(f"its agent answers {code}: {text[:300].decode(errors='replace').strip()}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise AgentError("its agent answers no JSON; deploy the engine anew.") from None


def _status(said: Any) -> Status:
    try:
        return Status(
            instance=said["instance"], revision=said["revision"], digest=said["digest"], users=int(said["users"]),
            applied=said["applied"] is True, fault=said.get("fault", ""))
    except _WRONG:
        raise AgentError(_WRONG_SENTENCE) from None


def _counters(counted: Any) -> Counters:
    return Counters(
        up=int(counted["up"]), down=int(counted["down"]), open=int(counted["open"]), seen=int(counted.get("seen", 0)))
