"""Asks the panel whether it serves: `python3 -I -S healthcheck.py [FILE]`, FILE as in serve.py.

Exits with 0 or 1 and says one line, which shows nothing of the file but the port.
Standard library only, and of that little: Docker starts this every second while the container starts, and
on half a core each import delays the panel itself.
"""

import json
import socket
import sys

_CONFIG_FILE = "/etc/stealth/panel.json"
_TIMEOUT_SECONDS = 5
_LARGEST_ANSWER = 8192


def main(arguments: list[str]) -> int:
    """Print the state and return the exit code."""
    try:
        port = _port(arguments[0] if arguments else _CONFIG_FILE)
    # A value of another kind, a missing key, no JSON, no file.
    except (TypeError, KeyError, ValueError, RecursionError, OSError):
        print("unhealthy: panel.json cannot be read or has no valid port")
        return 1
    try:
        answer = _ask(port)
    except OSError as error:
        print(f"unhealthy: no answer on port {port}: {error}")
        return 1
    healthy = _is_healthy(answer)
    print("healthy" if healthy else f"unhealthy: a wrong answer on port {port}")
    return 0 if healthy else 1


def _port(file: str) -> int:
    with open(file, encoding="utf-8") as stream:
        port = json.load(stream)["port"]
    if type(port) is not int or not 0 < port < 65536:
        raise ValueError
    return port


def _ask(port: int) -> bytes:
    # http.client would take longer to import than the rest of this check to run.
    with socket.create_connection(("127.0.0.1", port), _TIMEOUT_SECONDS) as connection:
        connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        answer = b""
        while len(answer) < _LARGEST_ANSWER and (part := connection.recv(_LARGEST_ANSWER)):
            answer += part
    return answer


def _is_healthy(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    try:
        return head.startswith((b"HTTP/1.0 200 ", b"HTTP/1.1 200 ")) and json.loads(body) == {"status": "ok"}
    except ValueError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
