"""A real client in a container of its own, outside the server's networks."""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.e2e import programs
from tests.e2e.containers import call, call_text
from tests.e2e.deployment import ROOT, Server, docker
from tests.e2e.lines import Line, attach, client_line
from tests.e2e.outside import CLIENTS, ORIGIN_ADDRESS, SERVER_ADDRESS
from tests.e2e.programs import PROTOCOLS, SOCKS_PORT, Program

Answer = TypeVar("Answer")

IMAGE = "stealth-vpn-tests/clients:local"
WIREGUARD = ("wireguard", "wireguardWebsocket")
"""Protocols that carry all of a client's packets; the others offer SOCKS."""

_READY_SECONDS = 20
_TRANSFER_SECONDS = 150
# Of one try, after which a client of WireGuard begins another handshake.
_PATIENCE = "400ms"
# A client on a line finds no network when it starts.
_AWAIT_LINE = "until ip -6 route show default | grep -q line; do sleep 0.05; done; "


def build_image() -> None:
    """Build the clients' image, from the daemons' own; they must be there."""
    clients = ROOT / "tests" / "e2e" / "clients"
    done = subprocess.run(
        ["docker", "build", "--tag", IMAGE, "--file", str(clients / "Dockerfile"),
         *(f"--build-context={own}={clients / own}" for own in ("mihomo", "visitor", "forger", "pebble")),
         str(ROOT / "images")],
        capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What a download or an upload through a tunnel was like, as `visitor fetch` tells."""

    bytes: int
    """Bytes that came, each as it was sent."""

    seconds: float
    """From the first byte to the last."""

    longest_gap_seconds: float
    """Longest time in which a download received nothing."""

    last_byte: float
    """When the last byte of a download came, in seconds since 1970."""

    fault: str = ""
    """Why a transfer that may break ended before its end."""


@dataclass(frozen=True, kw_only=True)
class Try:
    """One of the many times that a watching client asked for a page."""

    began: float
    """In seconds since 1970, as `ended`."""

    ended: float
    fault: str
    """Empty when the page came."""


class Client:
    """A client that runs."""

    def __init__(self, name: str, program: Program) -> None:
        self.name = name
        self._program = program

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside the client's container; standard error is at the end of stdout."""
        done = call_text("exec", self.name, *words, timeout_seconds=60)
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout + done.stderr)

    def fetch(self, url: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Fetch a page through the tunnel, from inside the client's container."""
        proxy = ["--socks5-hostname", f"127.0.0.1:{SOCKS_PORT}"] if self._program.socks else []
        return call("exec", self.name, "curl", "--silent", "--show-error", "--max-time", "20", *proxy, *words, url,
                    timeout_seconds=150)

    def fetch_when_ready(self, url: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Fetch, again and again until the client has started up and the tunnel stands."""
        end = time.monotonic() + _READY_SECONDS
        while True:
            done = self.fetch(url, *words)
            if done.returncode == 0 or time.monotonic() > end:
                return done
            time.sleep(0.2)

    def look_up(self, resolver: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Ask a resolver beyond the server for a name, over UDP through the tunnel."""
        socks = ["-socks", f"127.0.0.1:{SOCKS_PORT}"] if self._program.socks else []
        return call_text("exec", self.name, "visitor", "dns", "-server", resolver, "-name", "any.example",
                         *socks, *words, timeout_seconds=60)

    def reach(self, targets: str, resolver: str) -> subprocess.CompletedProcess[str]:
        """Try every target, a line of JSON each, through the tunnel; prints an array of what they answered."""
        way = ["-socks", f"127.0.0.1:{SOCKS_PORT}"] if self.socks else ["-resolver", resolver]
        return call_text("exec", "--interactive", self.name, "visitor", "reach", *way, stdin=targets)

    def reached(self, targets: list[tuple[str, str, int]], resolver: str) -> set[tuple[str, str, int]]:
        """Try targets of a network, tcp or udp, a host and a port; return those that answered."""
        done = self.reach("\n".join(json.dumps({"Network": network, "Host": host, "Port": port})
                                    for network, host, port in targets), resolver)
        assert done.returncode == 0, done.stderr
        return {target for target, answer in zip(targets, json.loads(done.stdout), strict=True) if answer}

    def route_all(self) -> None:
        """Send everything through the tunnel that has no nearer route."""
        for half in ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"):
            docker("exec", self.name, "ip", "route", "replace", half, "dev", "wg0")

    @property
    def socks(self) -> bool:
        """Whether the client offers SOCKS; else it carries the container's own packets."""
        return self._program.socks

    def transfer(self, url: str, *words: str) -> Transfer:
        """Download from, or upload to, an origin of checked bytes; fails if it breaks off or a byte is wrong."""
        made = self.transfer_until_cut(url, *words)
        assert not made.fault, f"{self.name}: {made.fault}"
        return made

    def transfer_until_cut(self, url: str, *words: str) -> Transfer:
        """Do a transfer that may break off."""
        done = call_text("exec", self.name, "visitor", "fetch", "-url", url, *self._way, *words,
                         timeout_seconds=_TRANSFER_SECONDS)
        if not done.stdout:
            raise AssertionError(f"{self.name}: {done.stderr}")
        told = json.loads(done.stdout)
        return Transfer(bytes=told["bytes"], seconds=told["seconds"], longest_gap_seconds=told["longestGapSeconds"],
                        last_byte=told["lastByte"], fault=done.stderr.strip())

    def watch(self, url: str, seconds: float) -> list[Try]:
        """Ask for a page again and again, each time by a connection of its own."""
        renew = ["-renew", self._program.renew, "-patience", _PATIENCE] if self._program.renew else []
        done = call_text("exec", self.name, "visitor", "watch", "-url", url, "-for", f"{seconds}s", *self._way, *renew,
                         timeout_seconds=_TRANSFER_SECONDS)
        assert done.returncode == 0, done.stderr
        return [Try(**json.loads(line)) for line in done.stdout.splitlines()]

    @property
    def _way(self) -> list[str]:
        return ["-socks", f"127.0.0.1:{SOCKS_PORT}"] if self._program.socks else []

    def logs(self) -> str:
        """What the client's program has said."""
        done = call_text("logs", self.name)
        return done.stdout + done.stderr


@contextmanager
def origin_of_bytes() -> Iterator[str]:
    """Serve bytes at the origin's address, fast enough for any tunnel; the value is the URL of `visitor serve`."""
    name, port = "e2e-origin", 8090
    docker("rm", "--force", name, check=False)
    docker("run", "--detach", "--name", name, "--network", "host", "--entrypoint", "/usr/local/bin/visitor", IMAGE,
           "serve", "-address", f"{ORIGIN_ADDRESS}:{port}")
    try:
        yield f"http://{ORIGIN_ADDRESS}:{port}/bytes"
    finally:
        docker("rm", "--force", name)


@contextmanager
def client(
    name: str, program: Program, authority: str, line: Line | None = None, server: str = SERVER_ADDRESS, *,
    network: str = CLIENTS,
) -> Iterator[Client]:
    """Run a client for as long as the block lasts, on a line of its own or on a network where the server is found."""
    name = f"e2e-client-{name}"
    with tempfile.TemporaryDirectory() as folder:
        for file, text in {**program.files, "ca.crt": authority}.items():
            (Path(folder) / file).write_text(text)
        docker("rm", "--force", name, check=False)
        script = program.guard + program.script
        docker("run", "--detach", "--name", name, "--network", "none" if line else network, "--init",
               *(f"--add-host={host}:{server}" for host in program.hosts), "--volume", f"{folder}:/client:ro",
               "--cap-add", "NET_ADMIN", "--device", "/dev/net/tun", "--entrypoint", "/bin/sh", IMAGE,
               "-c", _AWAIT_LINE + script if line else script)
        try:
            if line:
                attach(name, line)
            if program.guard:
                docker("exec", name, "/bin/sh", "-c", "until [ -e /tmp/guarded ]; do sleep 0.05; done")
            yield Client(name, program)
        finally:
            docker("rm", "--force", name)


Clients = dict[str, Client]
"""Clients by protocol."""


@contextmanager
def all_clients(server: Server, version: int | None = None, links: dict[str, str] | None = None) -> Iterator[Clients]:
    """Run a client of each protocol at the same time, the first user's or one of these links.

    They are on the clients' network, or with a version of IP each on a line of its own, and find the server by that
    version only.
    """
    outputs, links = server.outputs(), links or server.links()
    with ExitStack() as stack:
        made = {}
        for number, protocol in enumerate(PROTOCOLS):
            line = client_line(number) if version else None
            program = programs.program(protocol, links[protocol])
            made[protocol] = stack.enter_context(client(
                protocol.lower(), program, outputs["authorityCertificate"], line,
                line.near(version) if line and version else SERVER_ADDRESS))
        yield made


def each(made: Clients, ask: Callable[[Client], Answer]) -> dict[str, Answer]:
    """Ask every client at the same time."""
    with ThreadPoolExecutor(max_workers=len(made)) as pool:
        return dict(zip(made, pool.map(ask, made.values()), strict=True))
