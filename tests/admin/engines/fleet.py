"""A fleet of fake agents, and waiting for what its threads will bring about."""

import dataclasses
import time
from collections.abc import Callable

from panel.config import EngineAccess, HostAccess, PanelConfig
from panel.store.database import Database
from tests.admin.engines.fake_agent import TOKEN, FakeAgent, Served
from tests.admin.engines.people import FACTS, wanted

ENGINES = ("xray", "singbox")
# No claim is about time: this is when a test that hangs ends.
_PATIENCE_SECONDS = 60


class Fleet:
    """Hosts of two engines each; the first is the panel's own."""

    def __init__(self, *names: str) -> None:
        self.hosts = {name: {engine: Served(FakeAgent()) for engine in ENGINES} for name in names}

    def configured(self, config: PanelConfig, *without: str) -> PanelConfig:
        """Return a configuration of these hosts, or of all without some."""
        further = [name for name in self.hosts if name not in ("main", *without)]
        return dataclasses.replace(config, engines=self._access("main"), hosts={name: HostAccess(
            engines=self._access(name), server=dataclasses.replace(FACTS, domain=f"{name}.example"))
            for name in further})

    def agents(self, *names: str) -> list[FakeAgent]:
        """Return the agents of some hosts, or of all."""
        return [served.agent for name in names or self.hosts for served in self.hosts[name].values()]

    def have_all(self, database: Database, *names: str) -> bool:
        """Whether the engines of these hosts, or of all, know whom they should."""
        return all(served.agent.users == wanted(database, engine)
                   for name in names or self.hosts for engine, served in self.hosts[name].items())

    def die(self, name: str) -> None:
        """Let a host's agents not listen any more."""
        for served in self.hosts[name].values():
            served.die()

    def rise(self, name: str) -> None:
        """Let them listen again."""
        for served in self.hosts[name].values():
            served.rise()

    def end(self) -> None:
        """Stop all that listen."""
        for name in self.hosts:
            self.die(name)

    def _access(self, name: str) -> dict[str, EngineAccess]:
        return {engine: EngineAccess(url=served.url, token=TOKEN) for engine, served in self.hosts[name].items()}


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until it holds; a test whose threads never bring that about fails."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "it does not come to hold"
        time.sleep(0.005)
