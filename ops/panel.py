"""The one place where these commands talk to the panel: its own API, by a program in its own container.

So nothing has to be published, no token has to be kept, and it works on whatever engine the stack is.
"""

import json
from typing import Any
from urllib.parse import urlencode

from .docker import Engine, last_line
from .errors import OperatorError

CONTAINER = "stealth-admin"
# Isolated, and without site packages: it needs nothing but the standard library.
_CALL = ("/usr/bin/python3", "-I", "-S", "/app/call.py")
_MOST_FAULTS = 20


class Panel:
    """The API of a running panel."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def call(self, method: str, path: str, body: object = None, **query: object) -> Any:
        """Return the answer's JSON; raises OperatorError with the panel's own sentence when it refuses."""
        text = self.send(method, path, "" if body is None else json.dumps(body), **query)
        return json.loads(text) if text else None

    def send(self, method: str, path: str, text: str = "", **query: object) -> str:
        """Send a text as it is, and return the answer as it is; raises OperatorError like `call`."""
        asked = path + (f"?{urlencode(query)}" if query else "")
        done = self._engine.execute(CONTAINER, *_CALL, method, asked, stdin=text)
        if done.returncode != 0:
            raise OperatorError(
                f"the panel in {CONTAINER} cannot be asked: {last_line(done.stderr or done.stdout)}. "
                "Run `make up`, or look at `docker logs stealth-admin`.")
        answer = json.loads(done.stdout)
        said: str = answer["text"]
        if answer["status"] >= 400:
            raise OperatorError(_sentence(answer["status"], said))
        return said

    def user(self, name: str) -> dict[str, Any]:
        """Return the user of that name; raises OperatorError when there is none."""
        found = self.call("GET", "/users", name=name)["users"]
        if not found:
            raise OperatorError(f"there is no user {name}. `make list-users` shows all.")
        user: dict[str, Any] = found[0]
        return user

    def account(self, username: str) -> dict[str, Any]:
        """Return the account of that name; raises OperatorError when there is none."""
        found: list[dict[str, Any]] = self.call("GET", "/accounts")
        for account in found:
            if account["username"].lower() == username.lower():
                return account
        raise OperatorError(f"there is no account {username}. `ops accounts list` shows all.")

    def on_account(self, username: str, method: str, action: str = "", body: object = None) -> Any:
        """Call what belongs to one account, given by name."""
        return self.call(method, f"/accounts/{self.account(username)['id']}{action}", body)

    def on_user(self, name: str, method: str, action: str = "", body: object = None) -> Any:
        """Call what belongs to one user, given by name."""
        return self.call(method, f"/users/{self.user(name)['id']}{action}", body)


def _sentence(status: int, said: str) -> str:
    try:
        body = json.loads(said)
    except ValueError:
        body = None
    if isinstance(body, dict):
        faults = [text for texts in (body.get("errors") or {}).values() for text in _texts(texts)]
        told = faults or [str(body.get("message") or "")]
        if told[0]:
            return "\n".join([" ".join(told), *_of_file(body.get("faults") or [])])
    return f"the panel refused with status {status}. Look at `docker logs {CONTAINER}`."


def _of_file(faults: list[dict[str, Any]]) -> list[str]:
    """Return a line for each fault of an import, up to a screenful, and how many there are beside them."""
    if len(faults) <= _MOST_FAULTS:
        return list(map(_of_line, faults))
    # With too many to tell the panel says in the last place how many it has left out, which is about no user.
    summary = [_of_line(faults[-1])] if not faults[-1]["name"] and not faults[-1]["field"] else []
    rest = len(faults) - _MOST_FAULTS - len(summary)
    return [*map(_of_line, faults[:_MOST_FAULTS]), f"  and {rest} more", *summary]


def _of_line(fault: dict[str, Any]) -> str:
    return f"  line {fault['line']}: {fault['name'] + ': ' if fault['name'] else ''}{fault['sentence']}"


def _texts(value: Any) -> list[str]:
    """Return the sentences of an answer's `errors`, however deep its fields lie."""
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [str(value)]
