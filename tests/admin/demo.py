"""A panel full of people and without engines, to look at: `PYTHONPATH=admin python -m tests.admin.demo [PORT]`.

It prints its address, and the name and password of an owner.
"""

import random
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.serving import generate_adhoc_ssl_context

from panel import PanelConfig, create_app, open_store, users
from panel.audit import Actor
from panel.config import ServerFacts
from panel.engines import Certificate, Engine, Overview, overview
from panel.fleet import HostHealth
from panel.protocols import PROTOCOLS
from panel.store.database import Database
from panel.store.models import TrafficHour, Usage, User
from panel.users import NewUser
from tests.admin import panel_file, people
from toolchain import translations

NAMES = (
    "Anna Schmidt", "Дмитрий Волков", "سارا احمدی", "李娜", "bob", "Zoë", "Mohammad (phone)", "مهدی کریمی", "Ольга",
    "王伟", "carol", "dave", "erin.laptop", "Faisal", "grace", "Heinrich IV", "ivan-router", "Jürgen", "Kateryna",
    "علی رضایی")
NOTES = ("", "", "", "pays monthly", "friend of Anna", "Домашний роутер", "تلفن قدیمی", "new phone since May")
GIGABYTE = 10**9
OPERATOR = Actor(name="olga", address="192.0.2.7")


def fill(database: Database, server: ServerFacts | None, count: int, seed: int = 1) -> None:
    """Make so many users of all kinds, some of them with traffic of the last 30 days."""
    chance, now = random.Random(seed), datetime.now(UTC)
    with database.write() as session:
        for number in range(count):
            name = NAMES[number] if number < len(NAMES) else f"{chance.choice(NAMES)} {number}"
            made = users.create(session, OPERATOR, server, NewUser(
                name=name, note=chance.choice(NOTES), quota_period=chance.choice(("none", "week", "month")),
                quota_bytes=chance.choice((None, 20, 50, 200, 500)) and chance.choice((20, 50, 200)) * GIGABYTE,
                expires_at=chance.choice((None, now + timedelta(days=chance.randint(-20, 300)))),
                closed_protocols=chance.choice(((), (), ("tuic",)))))
            if chance.random() < 0.8:
                _use(session, made, chance, now)
            if chance.random() < 0.1:
                users.switch(session, OPERATOR, made.id, False)
        users.refresh_status(session, now)


def _use(session: Session, user: User, chance: random.Random, now: datetime) -> None:
    """Let a user have used some protocols."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    user.last_seen_at = now - timedelta(minutes=chance.choice((0, 2, 40, 300, 4000, 20000)))
    for protocol in chance.sample(sorted(PROTOCOLS), 3):
        usage = Usage(user_id=user.id, protocol=protocol, open_connections=chance.choice((0, 0, 3)),
                      last_seen_at=user.last_seen_at, up_bytes=0, down_bytes=0)
        for back in chance.sample(range(24 * 30), 40):
            down = chance.randint(10**6, GIGABYTE)
            session.add(TrafficHour(hour=hour - timedelta(hours=back), user_id=user.id, protocol=protocol,
                                    up_bytes=down // 9, down_bytes=down))
            usage.up_bytes, usage.down_bytes = usage.up_bytes + down // 9, usage.down_bytes + down
        session.add(usage)
        user.up_bytes, user.down_bytes = user.up_bytes + usage.up_bytes, user.down_bytes + usage.down_bytes
        user.period_used_bytes += (usage.up_bytes + usage.down_bytes) // 2


@dataclass(frozen=True)
class Engines:
    """Engines in three states, and certificates, one of which ends soon; there is nothing behind them."""

    database: Database
    states: Mapping[str, str] = field(default_factory=lambda: {
        "xray": "applied", "trojan": "applied", "singbox": "pending", "wireguard": "failed"})
    domains: Mapping[str, str] = field(default_factory=lambda: {"main": "example.com"})
    """By the host's name."""

    drained: str = ""
    certificates: Sequence[Certificate] = field(default_factory=lambda: tuple(_certificates(datetime.now(UTC))))

    def overview(self) -> Overview:
        """Return them beside what the store says."""
        now = datetime.now(UTC)
        engines = tuple(Engine(
            name=name, state=state, fault="its agent does not answer (timed out)." if state == "failed" else "",
            users=17, lag_seconds=0.0 if state == "applied" else 300.0, seen_at=now - timedelta(seconds=3),
        ) for name, state in self.states.items())
        with self.database.read() as session:
            return overview.look(session, now, engines, tuple(self.certificates), hosts=self.hosts(session, now))

    def hosts(self, _: Session, now: datetime) -> tuple[HostHealth, ...]:
        """Return the server, and the further hosts of its fleet."""
        return tuple(HostHealth(name=name, domain=domain, is_healthy=True, drained=name == self.drained, seen_at=now)
                     for name, domain in self.domains.items())


def _certificates(now: datetime) -> Iterator[Certificate]:
    for label in ("app", "cdn", "img", "www"):
        yield Certificate(name=f"{label}.example.com", began_at=now - timedelta(days=30),
                          expires_at=now + timedelta(days=60, hours=1))
    yield Certificate(name="q.example.com", began_at=now - timedelta(days=88), expires_at=now + timedelta(days=2))
    yield Certificate(name="t.example.com", fault="its certificate could not be read (Connection refused).")


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A panel that listens."""

    app: Flask
    config: PanelConfig
    database: Database
    port: int


class _Handler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class _Server(ThreadingMixIn, WSGIServer):
    """Speaks HTTPS with a certificate of its own; Werkzeug's leaves files open when a browser hangs up."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.base_environ["HTTPS"] = "on"
        # Each connection's own thread shakes hands, at its first read.
        self.socket = generate_adhoc_ssl_context().wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that hangs up; the panel answers its own faults."""


@contextmanager
def serve(port: int = 0) -> Iterator[Demo]:
    """Serve a new demonstration by HTTPS on this machine's loopback interface, on any port if none is named."""
    translations.compile_all()
    with tempfile.TemporaryDirectory() as folder, _Server(port) as server:
        config = PanelConfig.load(panel_file.write(Path(folder), hosts={"two": panel_file.HOST}))
        database = open_store(config)
        fill(database, config.server, len(NAMES) * 4)
        app = create_app(config, database)
        app.extensions["engines"] = Engines(
            database, domains={name: facts.domain for name, facts in config.servers.items()}, drained="two")
        server.set_app(app)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Demo(app=app, config=config, database=database, port=server.server_port)
        finally:
            server.shutdown()
            thread.join()
            database.close()


def main(arguments: list[str]) -> None:
    """Serve the demonstration until the process is told to end."""
    with serve(int(arguments[0]) if arguments else 8010) as demo:
        name = people.add(demo.database, "olga").username
        print(f"https://localhost:{demo.port}{demo.config.path}/", name, people.PASSWORD)
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
