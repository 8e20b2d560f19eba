"""Who signs in to the panel, how, and what they may do there (decision 0020)."""

from dataclasses import dataclass

from flask import Flask, current_app

from ..config import PanelConfig
from ..store.database import Database
from .access import OWN, PASSWORD, Identity, current_account, current_actor, current_identity, public, requires
from .credentials import Credentials, Proof
from .errors import AccountError, ThrottledError, UnknownAccountError, WrongProofError
from .sessions import StoredSessions
from .sign_in import Door
from .upkeep import Upkeep

__all__ = [
    "OWN", "PASSWORD", "AccountError", "Accounts", "Identity", "Proof", "ThrottledError", "UnknownAccountError",
    "WrongProofError", "current_account", "current_actor", "current_identity", "here", "install", "public", "requires",
]


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """What the application needs for people who sign in."""

    door: Door
    credentials: Credentials
    sessions: StoredSessions
    upkeep: Upkeep


def install(app: Flask, config: PanelConfig, database: Database) -> Accounts:
    """Give app its sessions, and what signs people in; return the same."""
    stored = StoredSessions(config, database)
    door = Door(config, database, stored)
    app.session_interface = stored
    made = Accounts(
        door=door, credentials=Credentials(database, door), sessions=stored, upkeep=Upkeep(database, stored))
    app.extensions["accounts"] = made
    return made


def here() -> Accounts:
    """Return what install has given to the application of this request."""
    found: Accounts = current_app.extensions["accounts"]
    return found
