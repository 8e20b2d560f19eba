"""The services of one server as the engine has them now, and what is wrong with each of them.

Read from the engine alone: at night Pulumi's state may be locked or its passphrase elsewhere.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from ..docker import Engine
from ..errors import OperatorError
from ..target import Target

MISSING = "missing"
"""State of a service that should be there and has no container."""

_SHOWN_OUTPUT = 300


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service, or the place where one should be."""

    name: str
    state: str
    """created, running, paused, restarting, exited, dead, or missing."""

    health: str = ""
    """healthy, unhealthy, starting, or empty when it does not run."""

    since: datetime | None = None
    """When it came into this state."""

    restarts: int = 0
    """Starts by the engine itself since the last one by hand."""

    exit_code: int = 0
    out_of_memory: bool = False
    """Whether the kernel ended it for its limit of memory."""

    said: str = ""
    """What its last health check said, or why the engine could not start it."""

    stopped: bool = False
    """Whether an operator has stopped it, so that nothing shall run."""

    image: str = ""
    memory_limit_bytes: int = 0
    cpus: float = 0.0

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Self:
        """Return the service of what `docker inspect` tells of its container."""
        state, host = entry["State"], entry["HostConfig"]
        checks = (state.get("Health") or {}).get("Log") or []
        ended = state["Status"] in {"exited", "dead", "restarting"}
        return cls(
            name=entry["Name"].removeprefix("/stealth-"), state=state["Status"],
            health=(state.get("Health") or {}).get("Status", "") if state["Running"] else "",
            since=_moment(state["FinishedAt"] if ended else state["StartedAt"]),
            restarts=entry["RestartCount"], exit_code=state["ExitCode"], out_of_memory=state["OOMKilled"],
            said=_one_line(state["Error"] or (checks[-1]["Output"] if checks else "")),
            image=entry["Image"].removeprefix("sha256:")[:12],
            memory_limit_bytes=host["Memory"], cpus=host["NanoCpus"] / 1e9)

    @property
    def container(self) -> str:
        """Name of its container."""
        return f"stealth-{self.name}"

    @property
    def runs(self) -> bool:
        """Whether a program can be run in it."""
        return self.state == "running"

    @property
    def fault(self) -> str:
        """What is wrong and what to do, as a sentence without its subject; empty if nothing is."""
        if self.stopped:
            return f"runs, but is to be stopped. Run `ops stop {self.name}`." if self.runs else ""
        if self.runs:
            return self._fault_of_health()
        ended = f"exit code {self.exit_code}{', out of memory' if self.out_of_memory else ''}"
        return {
            MISSING: "has no container. Run `make up`.",
            "created": f"was never started{f' ({self.said})' if self.said else ''}. Run `make up`.",
            "paused": f"is paused. Run `docker unpause {self.container}`.",
            "restarting": f"ends again and again ({ended}, {self.restarts} restarts). Look at `make logs-{self.name}`.",
        }.get(self.state, f"does not run ({ended}). Look at `make logs-{self.name}`, and run `make up`.")

    def _fault_of_health(self) -> str:
        if self.health == "healthy":
            return ""
        if self.health == "starting":
            return "is still starting. Ask again in a minute."
        said = f": {self.said}" if self.said else ""
        return f"is {self.health or 'not checked'}{said}. Look at `make logs-{self.name}`."


def look(engine: Engine, target: Target) -> list[Service]:
    """Return each service that the configuration wants, and each other one that is there, by name."""
    found = {service.name: service for service in map(Service.of, engine.inspect_services(target.stack))}
    wanted = {name: Service(name=name, state=MISSING) for name in target.services}
    return [replace(service, stopped=service.name in target.stopped)
            for _, service in sorted((wanted | found).items())]


def chosen(services: list[Service], name: str | None) -> list[Service]:
    """Return the named service alone, or all without a name; raises OperatorError for one that is not there."""
    if name is None:
        return services
    found = [service for service in services if service.name == name.removeprefix("stealth-")]
    if not found:
        raise OperatorError(f"{name} is no service of this server. "
                            f"Name one of {', '.join(service.name for service in services)}.")
    return found


def _moment(text: str) -> datetime | None:
    # The engine's word for never is the year 1. Nanoseconds are more than Python reads.
    return None if text.startswith("0001-") else datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_SHOWN_OUTPUT].rstrip(".")
