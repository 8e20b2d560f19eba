"""Plays the two calls of Vault's transit engine that Pulumi makes. It shows what we pass on, and nothing of Vault."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

KEY, TOKEN = "stealth-vpn", "only for this test"
_MARK = "vault:v1:"


class _Transit(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("X-Vault-Token") != TOKEN:
            self._answer(403, {"errors": ["permission denied"]})
        elif self.path == f"/v1/transit/encrypt/{KEY}":
            sealed = base64.b64encode(asked["plaintext"][::-1].encode()).decode()
            self._answer(200, {"data": {"ciphertext": _MARK + sealed}})
        elif self.path == f"/v1/transit/decrypt/{KEY}":
            opened = base64.b64decode(asked["ciphertext"].removeprefix(_MARK)).decode()[::-1]
            self._answer(200, {"data": {"plaintext": opened}})
        else:
            self._answer(400, {"errors": ["encryption key not found"]})

    do_POST = do_PUT  # noqa: N815 - the same

    def _answer(self, status: int, said: object) -> None:
        text = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def transit() -> Iterator[str]:
    """Run it for as long as the block lasts, and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Transit)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
