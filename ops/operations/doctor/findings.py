"""What a check found, and what all checks may look at."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...docker import Engine
from ...target import Target
from .. import services
from ..services import Service


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong."""

    check: str
    """Which check found it."""

    fault: str
    """A sentence with its subject."""

    fix: str
    """The command that mends it, or shows what must be mended by hand."""

    details: str = ""
    """What a person would look at next, such as last lines of a log."""


class Case:
    """One server, looked at once however many checks ask."""

    def __init__(self, engine: Engine, target: Target) -> None:
        self.engine, self.target = engine, target

    @cached_property
    def services(self) -> list[Service]:
        """Its services."""
        return services.look(self.engine, self.target)

    @cached_property
    def info(self) -> dict[str, Any]:
        """What `docker info` tells of the engine and its machine."""
        return _parsed(self.engine.ask("info", "--format", "{{json .}}").stdout)

    @property
    def is_deployed(self) -> bool:
        """Whether there is any container of it."""
        return any(service.state != services.MISSING for service in self.services)


def _parsed(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text) if text.strip() else {}
    return found
