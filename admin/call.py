"""Calls this container's own panel: `python3 -I -S call.py METHOD PATH`, with a JSON body on standard input.

PATH is below the API, such as /users?search=ali. Body and answer go through as they are, for an import's faults are
told by its lines. Prints {"status": ..., "text": ...} in one line, and ends with 0 if the panel answered at all. Who
may run programs in this container may read the panel's files anyway, so the token that these give opens everything;
the panel takes it from the container's loopback interface only.
"""

import hashlib
import hmac
import http.client
import json
import sys
from typing import Any

_CONFIG_FILE = "/etc/stealth/panel.json"
_TIMEOUT_SECONDS = 60


def main(arguments: list[str]) -> int:
    """Make the call and return the exit code."""
    if len(arguments) not in (2, 3):
        print("takes METHOD PATH and a body on standard input", file=sys.stderr)
        return 2
    method, path = arguments[:2]
    with open(arguments[2] if len(arguments) == 3 else _CONFIG_FILE, encoding="utf-8") as stream:
        config = json.load(stream)
    try:
        status, text = _ask(config, method, path, sys.stdin.buffer.read())
    except (OSError, http.client.HTTPException) as error:
        print(f"the panel does not answer at its port {config['port']}: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"status": status, "text": text.decode(errors="replace")}))
    return 0


def _ask(config: dict[str, Any], method: str, path: str, body: bytes) -> tuple[int, bytes]:
    token = hmac.digest(config["sessionKey"].encode(), b"local", hashlib.sha256).hex()
    connection = http.client.HTTPConnection("127.0.0.1", config["port"], timeout=_TIMEOUT_SECONDS)
    headers = {"Authorization": f"Bearer local.{token}", "Accept": "application/json"}
    if body:
        headers["Content-Type"] = "application/json"
    connection.request(method, f"{config['path']}/api/v1{path}", body or None, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
