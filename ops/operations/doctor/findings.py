"""What a check found, how it may be mended, and what all checks may look at."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...docker import Engine, last_line
from ...errors import OperatorError
from ...stack import Stack
from ...target import Target, settings
from .. import services
from ..services import Service
from .facts import Facts

DEPLOY = "deploys the server anew (`make up`)"


@dataclass(frozen=True, kw_only=True)
class Repair:
    """Something that `--fix` may do: it loses no data, and is as if the operator had typed it."""

    does: str
    """What it does, in words that follow "this"; equal ones are done once."""

    do: Callable[[], object]
    """Raises OperatorError when it cannot be done."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong."""

    check: str
    """Which check found it."""

    name: str
    """What kind of fault it is, in one word that stays the same: the names stand in docs/doctor.md."""

    fault: str
    """A sentence with its subject."""

    fix: str
    """The command that mends it, or shows what must be mended by hand."""

    details: str = ""
    """What a person would look at next, such as last lines of a log."""

    subject: str = ""
    """The service that it is about, if it is about one."""

    repair: Repair | None = field(default=None, compare=False)
    """What --fix does about it; None where a person must decide."""

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        shown = {key: getattr(self, key) for key in ("check", "name", "subject", "fault", "fix", "details")}
        return {**shown, "repairable": self.repair is not None}


class Case:
    """One server, looked at once however many checks ask."""

    def __init__(self, engine: Engine, target: Target, deploy: Callable[[], object]) -> None:
        self.engine, self.target, self._deploy = engine, target, deploy
        self.stack = Stack(target.stack, lambda _: None)

    @cached_property
    def services(self) -> list[Service]:
        """Its services, under their own names."""
        return [service for service in services.look(self.engine, self.target) if not service.name.startswith("/")]

    @cached_property
    def entries(self) -> dict[str, dict[str, Any]]:
        """All that the engine knows of each service's container, by service."""
        return {str(entry["Name"]).removeprefix("/stealth-"): entry
                for entry in self.engine.inspect_services(self.target.stack)}

    @cached_property
    def info(self) -> dict[str, Any]:
        """What `docker info` tells of the engine and its machine."""
        found: dict[str, Any] = json.loads(self._said("info", "--format", "{{json .}}") or "{}")
        return found

    @cached_property
    def edge(self) -> dict[str, Any]:
        """What the engine knows of the network that traffic takes; nothing if it is not there."""
        return self.network("stealth-vpn")

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The stack's configuration, as it is written."""
        return settings(self.target.stack)

    @cached_property
    def facts(self) -> Facts | None:
        """What the engine's machine tells of itself; None when it lets nobody look."""
        volumes = [str(mount["Source"]) for entry in self.entries.values() for mount in entry.get("Mounts") or []
                   if mount["Type"] == "volume"]
        try:
            return Facts.of(self.engine, str(self.info.get("DockerRootDir") or "/var/lib/docker"), volumes)
        except OperatorError:
            return None

    def network(self, name: str) -> dict[str, Any]:
        """Return what the engine knows of a network; nothing if it is not there."""
        found: list[dict[str, Any]] = json.loads(self._said("network", "inspect", name) or "[]")
        return found[0] if found else {}

    @property
    def is_deployed(self) -> bool:
        """Whether there is any container of it."""
        return any(service.state != services.MISSING for service in self.services)

    def runs(self, name: str) -> bool:
        """Tell whether a service runs."""
        return any(service.name == name and service.runs for service in self.services)

    def by_docker(self, does: str, *words: str) -> Repair:
        """Return a repair that is one docker command."""
        return Repair(does=does, do=lambda: _must(f"docker {' '.join(words)}", self.engine.ask(*words)))

    def on_host(self, does: str, script: str) -> Repair:
        """Return a repair that is a shell command on the engine's machine."""
        return Repair(does=does, do=lambda: _must(script, self.engine.on_host(script)))

    def by_deploy(self) -> Repair:
        """Return the repair that is a deploy."""
        return Repair(does=DEPLOY, do=self._deploy)

    def _said(self, *words: str) -> str:
        done = self.engine.ask(*words)
        return done.stdout.strip() if done.returncode == 0 else ""


def _must(command: str, done: Any) -> None:
    if done.returncode != 0:
        raise OperatorError(f"`{command}` failed: {last_line(done.stderr or done.stdout)}. Mend that, and try again.")
