"""A real Xray client in a container of its own, made from the text of a share link and nothing else."""

import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.e2e.deployment import docker

NETWORK = "e2e-outside"
# TEST-NET-2 (RFC 5737): no private range, so the daemons let clients go there.
SUBNET, GATEWAY = "198.51.100.0/24", "198.51.100.1"
PAGE = b"the page behind the tunnel\n" * 4000
SOCKS_PORT = 1080


class _Page(BaseHTTPRequestHandler):
    """Serves PAGE and remembers who asked."""

    def __init__(self, seen: list[str], *arguments: Any) -> None:
        self._seen = seen
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self._seen.append(self.client_address[0])
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: Any) -> None:
        """Say nothing; the tests look at what was seen."""


class Outside:
    """A network beyond the server, with an origin on it."""

    def __init__(self, port: int, seen: list[str]) -> None:
        self.url = f"http://{GATEWAY}:{port}/"
        self.seen = seen
        """Addresses that asked the origin, in order."""


@contextmanager
def outside() -> Iterator[Outside]:
    """Make the network and its origin for as long as the block lasts."""
    docker("network", "rm", NETWORK, check=False)
    docker("network", "create", "--subnet", SUBNET, "--gateway", GATEWAY, NETWORK)
    seen: list[str] = []
    origin = ThreadingHTTPServer((GATEWAY, 0), partial(_Page, seen))
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    try:
        yield Outside(origin.server_port, seen)
    finally:
        origin.shutdown()
        origin.server_close()
        docker("network", "rm", NETWORK)


def xray_config(link: str, authority: str) -> dict[str, Any]:
    """Turn a vless:// link (XTLS/Xray-core discussion 716) into a client's configuration."""
    parts = urlsplit(link)
    given = {key: values[0] for key, values in parse_qs(parts.query).items()}
    user = {"id": parts.username, "encryption": given["encryption"], "flow": given.get("flow", "")}
    network = {"tcp": "raw"}.get(given["type"], given["type"])
    stream: dict[str, Any] = {"network": network, "security": given["security"]}
    if given["security"] == "reality":
        stream["realitySettings"] = {"serverName": given["sni"], "fingerprint": given["fp"],
                                     "password": given["pbk"], "shortId": given["sid"]}
    else:
        stream["wsSettings"] = {"path": unquote(given["path"]), "host": given["host"]}
        stream["tlsSettings"] = {
            "serverName": given["sni"], "fingerprint": given["fp"], "alpn": given["alpn"].split(","),
            "disableSystemRoot": True,
            "certificates": [{"usage": "verify", "certificate": authority.strip().splitlines()}]}
    return {
        "log": {"loglevel": "warning"},
        "inbounds": [{"listen": "0.0.0.0", "port": SOCKS_PORT, "protocol": "socks"}],  # noqa: S104 - in its container
        "outbounds": [{"protocol": "vless", "streamSettings": stream, "settings": {
            "vnext": [{"address": parts.hostname, "port": parts.port, "users": [user]}]}}],
    }


@contextmanager
def xray_client(link: str, authority: str) -> Iterator[str]:
    """Run the client outside the server's networks; gives the address of its SOCKS inbound."""
    name = "e2e-xray-client"
    host = urlsplit(link).hostname
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "config.json"
        file.write_text(json.dumps(xray_config(link, authority)))
        file.chmod(0o644)
        docker("rm", "--force", name, check=False)
        docker("run", "--detach", "--name", name, "--network", NETWORK, "--add-host", f"{host}:{GATEWAY}",
               "--volume", f"{folder}:/client:ro", "--entrypoint", "/usr/local/bin/xray",
               "stealth-vpn/xray:local", "run", "-config", "/client/config.json")
        try:
            network = json.loads(docker("inspect", name))[0]["NetworkSettings"]["Networks"][NETWORK]
            yield f"{network['IPAddress']}:{SOCKS_PORT}"
        finally:
            docker("rm", "--force", name)


def fetch(url: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Fetch with curl; a client that has just started gets a few tries."""
    return subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "20", "--retry", "5", "--retry-delay", "1",
         "--retry-all-errors", *words, url],
        capture_output=True, check=False, timeout=150)
