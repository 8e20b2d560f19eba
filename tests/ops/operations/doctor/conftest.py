import json
from collections.abc import Callable
from typing import Any

import pytest

from ops.docker import Engine
from ops.operations.doctor import certificates, command
from ops.operations.doctor.facts import Facts
from ops.schedule import Job
from ops.stack import Stack
from tests.ops.operations.doctor.machine import VOLUME, control, edge, facts, info
from tests.ops.operations.fakes import FakeEngine, ops

Tell = Callable[..., None]


@pytest.fixture
def well(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """A server and a machine with which nothing is wrong."""
    engine.answers |= {("info",): info(), ("network", "inspect", "stealth-vpn"): edge(),
                       ("network", "inspect", "stealth-control"): control()}
    engine.entries["caddy"]["NetworkSettings"] = {
        "Ports": {"443/tcp": [{"HostIp": "0.0.0.0", "HostPort": "443"}],  # noqa: S104 - every address
                  "443/udp": [{"HostIp": "0.0.0.0", "HostPort": "443"}], "8080/tcp": None},  # noqa: S104 - the same
        "Networks": {"stealth-vpn": {"IPAddress": "172.20.0.10"}}}
    engine.entries["xray"]["Mounts"] = [{"Type": "volume", "Name": "stealth-xray-data", "Source": VOLUME, "RW": True,
                                         "Destination": "/var/lib/xray"}]
    engine.entries["xray"]["Config"]["User"] = "10002:10002"
    monkeypatch.setattr(Facts, "of", lambda *_: facts())
    for name, answer in {"publishers": {}, "logs": "", "has_image": True, "text_of": ""}.items():
        monkeypatch.setattr(Engine, name, lambda *_, answer=answer: answer)
    for name, answer in {"is_made": True, "has_pending_operations": False, "private_files": [], "locks": [],
                         "export": '{"deployment": {}}'}.items():
        monkeypatch.setattr(Stack, name, lambda *_, answer=answer: answer)
    monkeypatch.setattr(Job, "stands", lambda *_: False)
    monkeypatch.setattr(certificates, "_shown", lambda _: {})
    monkeypatch.setitem(command.CHECKS, "resolvers", lambda _: [])
    return engine


@pytest.fixture
def machine(well: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Lets the machine tell something else in some parts."""
    return lambda **changes: monkeypatch.setattr(Facts, "of", lambda *_: facts(**changes))


@pytest.fixture
def found(well: FakeEngine) -> Callable[[], list[dict[str, Any]]]:
    """Runs the doctor, and returns what it found."""
    def run() -> list[dict[str, Any]]:
        done = ops("doctor", "--json")
        document: dict[str, Any] = json.loads(done.stdout)
        assert done.exit_code == (1 if document["findings"] else 0), done.output
        listed: list[dict[str, Any]] = document["findings"]
        return listed
    return run
