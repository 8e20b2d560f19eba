"""A panel of three hosts whose engines nobody asks; a test says when each was last heard from."""

import dataclasses
from datetime import UTC, datetime, timedelta

from flask import Flask
from jinja2 import FileSystemBytecodeCache

from panel import PanelConfig, create_app
from panel.config import HostAccess, ServerFacts
from panel.store.database import Database

NAMES = ("main", "two", "three")


def configured(config: PanelConfig) -> PanelConfig:
    """Return the configuration of a fleet of NAMES; each host has its own domain, keys and paths."""
    return dataclasses.replace(config, hosts={
        name: HostAccess(engines=config.engines, server=_server(config, name, number))
        for number, name in enumerate(NAMES[1:])})


def served(config: PanelConfig, database: Database, templates: FileSystemBytecodeCache) -> Flask:
    """Return the fleet's application; its engines have all just been heard from."""
    app = create_app(configured(config), database)
    app.jinja_env.bytecode_cache = templates
    heard(app, **dict.fromkeys(NAMES, 0))
    return app


def heard(app: Flask, **seconds_ago: float) -> None:
    """Let each named host's first engine have answered so long ago, and its others never."""
    for host in app.extensions["engines"]._hosts:
        if host.name in seconds_ago:
            host._began_at = datetime.now(UTC) - timedelta(days=1)
            first = host.synchronisers[0]
            first.health = dataclasses.replace(
                first.health, seen_at=datetime.now(UTC) - timedelta(seconds=seconds_ago[host.name]))


def _server(config: PanelConfig, name: str, number: int) -> ServerFacts:
    assert config.server
    domain = f"{name}.example"
    return dataclasses.replace(
        config.server, domain=domain, names={label: f"{label}.{domain}" for label in config.server.names},
        authority=f"-----BEGIN CERTIFICATE-----\nMIIB{number}\n-----END CERTIFICATE-----\n",
        reality_short_id=f"{number:016x}", websocket_path=f"/{name}{'0' * 20}",
        wireguard_public_key=str(number) * 43 + "=")
