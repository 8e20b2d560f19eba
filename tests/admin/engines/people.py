"""Users of a store, made and changed by their service, and what an engine should know of them."""

import dataclasses
import re
from typing import Any

from panel.audit import Actor
from panel.config import ServerFacts
from panel.protocols import engine_name, engine_view
from panel.store.database import Database
from panel.store.models import User
from panel.users import NewUser, create
from tests.admin.panel_file import SERVER

ACTOR = Actor(name="tests", address="")
_VALUES: dict[str, Any] = {
    re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", key): value for key, value in SERVER.items()}
FACTS = ServerFacts(**_VALUES)


def view(user: User, engine: str) -> dict[str, str] | None:
    return engine_view(user, engine, FACTS)


def add(database: Database, *names: str) -> list[int]:
    """Make users; return their ids."""
    with database.write() as session:
        return [create(session, ACTOR, FACTS, NewUser(name=name)).id for name in names]


def wanted(database: Database, engine: str, subnet: str = FACTS.wireguard_subnet) -> dict[str, dict[str, str]]:
    """Return what the engine should know, straight from the store."""
    facts = dataclasses.replace(FACTS, wireguard_subnet=subnet)
    with database.read() as session:
        views = {engine_name(user.id): engine_view(user, engine, facts) for user in session.query(User)}
    return {name: own for name, own in views.items() if own is not None}
