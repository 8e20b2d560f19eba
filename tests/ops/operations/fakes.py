"""An engine that answers from memory, and the commands run against it."""

import json
import subprocess
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.cli import main
from ops.docker import Engine

NAMES = ("admin", "caddy", "singbox", "trojan", "wireguard", "xray")


def entry(name: str, state: str = "running", health: str = "healthy", **changes: Any) -> dict[str, Any]:
    """Return what `docker inspect` tells of a service."""
    return {
        "Name": f"/stealth-{name}", "RestartCount": changes.get("restarts", 0), "Image": "sha256:" + "0a" * 32,
        "Config": {"Labels": {"org.stealth-vpn.stack": "local"}, "Image": f"stealth-vpn/{name}:local"},
        "HostConfig": {"Memory": 512 << 20, "NanoCpus": 1_000_000_000, "RestartPolicy": {"Name": "always"}},
        "State": {
            "Status": state, "Running": state in {"running", "paused", "restarting"},
            "ExitCode": changes.get("exit_code", 0), "OOMKilled": changes.get("out_of_memory", False),
            "Error": changes.get("error", ""), "StartedAt": "2026-11-30T01:00:00.123456789Z",
            "FinishedAt": changes.get("finished_at", "0001-01-01T00:00:00Z"),
            "Health": {"Status": health, "Log": [{"Output": changes.get("said", "")}]}},
    }


class FakeEngine:
    """Plays Docker for ops.docker.Engine."""

    def __init__(self) -> None:
        self.entries = {name: entry(name) for name in NAMES}
        self.faults: dict[str, str] = {}
        self.answers: dict[tuple[str, ...], str] = {}
        """What a docker command prints, by its first words."""

        self.overview: dict[str, Any] = {"certificates": [
            {"name": "www.stealth.test", "expires_at": "2999-01-01T00:00:00+00:00", "fault": ""}], "warnings": []}
        self.asked: list[tuple[str, ...]] = []
        self.machine = 'on\nheld\n3\n{"running": true}'
        """What a script prints on the engine's machine; by default that a watchdog runs, and looked 3 s ago."""
        self.refused: set[str] = set()
        """First words of commands that the engine refuses."""

    def inspect_services(self, _: Engine, __: str) -> list[dict[str, Any]]:
        return list(self.entries.values())

    def check(self, _: Engine, container: str) -> str:
        return self.faults.get(container.removeprefix("stealth-"), "")

    def ask(self, _: Engine, *words: str) -> subprocess.CompletedProcess[str]:
        self.asked.append(words)
        if words[0] in self.refused:
            return subprocess.CompletedProcess(words, 1, "", "Error response from daemon: refused.")
        said = next((text for start, text in self.answers.items() if words[:len(start)] == start), "")
        return subprocess.CompletedProcess(words, 0, said, "")

    def on_host(self, _: Engine, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess((script,), 0, self.machine, "")

    def execute(self, _: Engine, __: str, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0, json.dumps(
            {"status": 200, "text": json.dumps(self.overview)}), "")


def install(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Let every Engine be one fake."""
    fake = FakeEngine()
    monkeypatch.setattr(Engine, "version", lambda _: "26.1.5")
    for name in ("inspect_services", "check", "ask", "on_host", "execute"):
        monkeypatch.setattr(Engine, name, _bound(getattr(fake, name)))
    return fake


def _bound(method: Any) -> Any:
    return lambda *words, **named: method(*words, **named)


def ops(*words: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, list(words))
