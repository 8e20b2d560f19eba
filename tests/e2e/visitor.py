"""Visitors without any key: curl in a container, and raw bytes inside TLS; and a plain Caddy to compare with."""

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.client import IMAGE
from tests.e2e.containers import call
from tests.e2e.deployment import NAMES, docker
from tests.e2e.outside import CLIENTS, SERVER_ADDRESS

DOMAIN = "stealth.test"
VERSIONS = ("--http1.1", "--http2", "--http3-only")
_SILENCE_SECONDS = 1.5
# CURLE_HTTP3 (libcurl-errors(3)). curl's QUIC is OpenSSL's, which at times ends on a busy machine with "send 1 bytes to
# QUIC, SSL error 1", also against a plain Caddy: a fault of the client, which is worth another try. Of a server it is
# the fault each time.
_HTTP3_ERROR = 95
_TRIES = 3
_PLAIN = "e2e-plain-caddy"
_PLAIN_CONFIG = f"""
{{
	admin off
	cert_issuer internal
	skip_install_trust
	default_sni www.{DOMAIN}
	fallback_sni www.{DOMAIN}
}}
{", ".join(f"{name}.{DOMAIN}" for name in NAMES)} {{
	root * /srv/site
	file_server
	handle_errors {{
		rewrite * /404.html
		file_server
	}}
}}
"""


class Visitor:
    """A container outside the server's networks that has curl."""

    def __init__(self, name: str) -> None:
        self._name = name

    def curl(self, host: str, *words: str, at: str = SERVER_ADDRESS) -> subprocess.CompletedProcess[bytes]:
        """Run curl, which finds the host at that address and trusts the server's authority."""
        for _ in range(_TRIES):
            done = call("exec", self._name, "curl", "--silent", "--show-error", "--max-time", "10", "--fail-early",
                        "--cacert", "/visitor/ca.crt", "--resolve", f"{host}:443:{at}", "--resolve", f"{host}:80:{at}",
                        *words)
            if done.returncode != _HTTP3_ERROR:
                break
        return done


@contextmanager
def visitor(name: str, folder: Path, authority: str, network: str = CLIENTS) -> Iterator[Visitor]:
    """Run a visitor for as long as the block lasts."""
    (folder / "ca.crt").write_text(authority)
    name = f"e2e-visitor-{name}"
    docker("rm", "--force", name, check=False)
    docker("run", "--detach", "--name", name, "--network", network, "--init",
           "--volume", f"{folder}:/visitor:ro", IMAGE)
    try:
        yield Visitor(name)
    finally:
        docker("rm", "--force", name)


@contextmanager
def plain_caddy(folder: Path) -> Iterator[str]:
    """Run a Caddy that is nothing but a web server, with the built-in site; gives its address."""
    folder.chmod(0o755)  # Caddy is not root, and pytest's folders are its user's alone
    (folder / "Caddyfile").write_text(_PLAIN_CONFIG)
    docker("rm", "--force", _PLAIN, check=False)
    docker("run", "--detach", "--name", _PLAIN, "--network", CLIENTS, "--volume", f"{folder}:/plain:ro",
           "--entrypoint", "/usr/local/bin/caddy", "stealth-vpn/caddy:local",
           "run", "--config", "/plain/Caddyfile", "--adapter", "caddyfile")
    try:
        address = docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", _PLAIN)
        _await_certificates(address)
        yield address
    finally:
        docker("rm", "--force", _PLAIN)


def _await_certificates(address: str) -> None:
    end = time.monotonic() + 30
    for name in NAMES:
        while True:
            try:
                tell(address, f"{name}.{DOMAIN}", b"GET / HTTP/1.0\r\n\r\n")
                break
            except OSError:
                assert time.monotonic() < end, f"the plain Caddy has no certificate of {name}"
                time.sleep(0.1)


def comparable(answers: bytes, version: str = "--http1.1") -> bytes:
    """Return answers with headers as curl shows them, without what differs from one moment to the next."""
    dated = re.sub(rb"(?im)^(date): [^\r]*", rb"\1", answers)
    if version != "--http3-only":
        return dated
    # quic-go writes headers in the random order of a Go map (http3/response_writer.go).
    return re.sub(rb"(?:[^\r\n]+\r\n)+", lambda block: b"".join(sorted(block[0].splitlines(keepends=True))), dated)


def _in_order(answer: bytes) -> bytes:
    # Frames of HTTP/2 (RFC 9113 section 4.1): goroutines of Go's server write the first ones in any order.
    frames = []
    while answer:
        size = 9 + int.from_bytes(answer[:3])
        frames.append(answer[:size])
        answer = answer[size:]
    return b"".join(sorted(frames))


def tell(address: str, name: str, sent: bytes, protocol: str = "http/1.1") -> tuple[bytes, str]:
    """Send bytes inside TLS; return what comes back to compare, and how the connection ends.

    The end is "open" after some silence, "closed", or "ended" when TLS is over and TCP is not; raises OSError.
    """
    normal = _in_order if protocol == "h2" else comparable
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    raw = socket.create_connection((address, 443), timeout=10)
    with context.wrap_socket(raw, server_hostname=name, suppress_ragged_eofs=False) as connection:
        connection.sendall(sent)
        connection.settimeout(_SILENCE_SECONDS)
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except TimeoutError:
            return normal(answer), "open"
        with socket.socket(fileno=connection.detach()) as bare:
            bare.settimeout(_SILENCE_SECONDS)
            try:
                return normal(answer), "closed" if not bare.recv(1) else "more"
            except TimeoutError:
                return normal(answer), "ended"


def tell_each(address: str, name: str, cases: dict[str, tuple[str, bytes]]) -> dict[str, tuple[bytes, str]]:
    """Tell all cases, each a protocol and bytes, at the same time; return what `tell` does, by case."""
    with ThreadPoolExecutor(max_workers=len(cases)) as pool:
        told = {case: pool.submit(tell, address, name, sent, protocol) for case, (protocol, sent) in cases.items()}
        return {case: future.result() for case, future in told.items()}
