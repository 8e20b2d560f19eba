"""The hosts of a fleet: which of them users are told of, and which an operator has drained.

A drained host serves whoever has its addresses, and its engines are told of every change; it only stands in nobody's
link any more. Which hosts there are is the configuration's to say, not this module's.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from . import audit
from .audit import Actor
from .config import PanelConfig
from .store.models import DrainedHost
from .users import UserError, revisions


class UnknownHostError(Exception):
    """No host has that name."""

    def __init__(self, name: str, config: PanelConfig) -> None:
        self.sentence = str(_("No host is called %(name)s; the hosts are %(names)s.",
                              name=name, names=", ".join(config.servers)))
        super().__init__(self.sentence)


@dataclass(frozen=True, kw_only=True)
class HostHealth:
    """What is known of a host."""

    name: str
    domain: str
    is_healthy: bool
    """Whether one of its engines has answered lately (engines/host.py)."""

    drained: bool
    """Whether users are not told of it because an operator said so."""

    seen_at: datetime | None
    """When one of its engines last answered; None if that was never, since the panel's start."""


def start(session: Session, config: PanelConfig) -> None:
    """Forget of hosts that have left the fleet that they were drained; one that comes again is a new one."""
    left = drained(session) - (config.servers.keys() if config.hosts else set())
    for name in sorted(left):
        session.execute(delete(DrainedHost).where(DrainedHost.name == name))
        audit.record(session, audit.PANEL, "host.undrain", name, reason="no longer in a fleet")


def drained(session: Session) -> set[str]:
    """Return the names of the drained hosts."""
    return set(session.scalars(select(DrainedHost.name)))


def drain(session: Session, actor: Actor, config: PanelConfig, name: str, is_drained: bool) -> None:
    """Say whether users are told of the host; raises UnknownHostError, and UserError if they would be told of none."""
    if name not in config.servers:
        raise UnknownHostError(name, config)
    # Two who each drain one of the last two hosts would else leave none.
    revisions.await_writers(session)
    before = drained(session)
    if is_drained == (name in before):
        return
    if not is_drained:
        session.execute(delete(DrainedHost).where(DrainedHost.name == name))
    elif config.servers.keys() == before | {name}:
        raise UserError("drained", _(
            "%(name)s is the last host that users are told of, so it cannot be drained; add a host to the fleet, or "
            "tell users of another one again.", name=name))
    else:
        session.add(DrainedHost(name=name, drained_at=datetime.now(UTC)))
    audit.record(session, actor, "host.drain" if is_drained else "host.undrain", name)


def told(hosts: Sequence[HostHealth], user_id: int) -> list[str]:
    """Return the names of the hosts that a user is told of, the one first that they should try first.

    If no host is healthy the panel's own way to them may be what is broken, so all are named that are not drained.
    Each user has an order of their own, which another host's coming and going does not change, so that hosts share the
    people whose programs take the first that works.
    """
    staying = [host for host in hosts if not host.drained] or hosts
    names = [host.name for host in staying if host.is_healthy] or [host.name for host in staying]
    return sorted(names, key=lambda name: hashlib.sha256(f"{user_id} {name}".encode()).digest())
