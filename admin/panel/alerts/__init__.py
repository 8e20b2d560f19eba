"""Tells operators what they must know, by a webhook and by mail (docs/alerts.md)."""

import logging
from datetime import UTC, datetime
from functools import partial

from ..accounts import Accounts
from ..background import Loop
from ..config import PanelConfig
from ..engines import Engines
from ..store.alerts import Message
from ..store.database import Database
from . import channels, conditions, outbox, watch
from .channels import Channel, DeliveryError

__all__ = ["Alerts"]

_WATCH_SECONDS = 15.0
_DELIVER_SECONDS = 15.0
_SERVER_WITHOUT_NAME = "stealth-vpn"
_log = logging.getLogger(__name__)


class Alerts:
    """A thread that finds out, and one for each way to tell, so that a deaf receiver holds up nobody else."""

    def __init__(self, config: PanelConfig, database: Database, engines: Engines, accounts: Accounts) -> None:
        self._database = database
        self._engines = engines
        self._accounts = accounts
        self._store = database.file
        self._channels = channels.chosen(
            config.alerts, config.server.domain if config.server is not None else _SERVER_WITHOUT_NAME)
        self._loops = [Loop("alerts", self.watch)] + [
            Loop(f"alerts by {channel.name}", partial(self.deliver, channel)) for channel in self._channels]

    def start(self) -> None:
        """Begin to watch and to tell."""
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """End; what was not delivered yet is, after the next start."""
        for loop in self._loops:
            loop.stop()

    def watch(self) -> float:
        """Find what operators must be told, and write it down; return for how many seconds to pause."""
        overview, now = self._engines.overview(), datetime.now(UTC)
        found = list(conditions.found(overview, now, self._store, self._accounts.upkeep.audit_broken_at))
        names = [channel.name for channel in self._channels]
        with self._database.write() as session:
            watch.tell_conditions(session, now, found, names, conditions.undecided(overview))
            watch.tell_events(session, now, names)
            outbox.withdraw(session, names)
            outbox.sweep(session, now)
        return _WATCH_SECONDS

    def deliver(self, channel: Channel) -> float:
        """Deliver what waits, the oldest first, until nothing does or the channel fails."""
        while True:
            now = datetime.now(UTC)
            with self._database.read() as session:
                message = outbox.due(session, now, channel.name)
            if message is None:
                return _DELIVER_SECONDS
            fault = _try(channel, message)
            # Not within a transaction: a receiver may take ten seconds.
            with self._database.write() as session:
                session.add(message)
                if fault is None:
                    outbox.note_delivery(message, now)
                else:
                    outbox.note_fault(message, now, fault)
            if fault is not None:
                _log.warning("%s", fault)
                return _DELIVER_SECONDS


def _try(channel: Channel, message: Message) -> str | None:
    try:
        channel.deliver(message)
    except DeliveryError as error:
        return str(error)
    return None
