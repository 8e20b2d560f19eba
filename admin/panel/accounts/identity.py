"""Finds out who makes a request: by a token if one was sent, and else by the session's cookie."""

from flask import request

from ..audit import Actor
from ..config import PanelConfig
from ..store.database import Database
from . import local, sessions, tokens
from .access import OWN, PASSWORD, ROLES, Identity

PEER = "panel.peer"
"""Key of the WSGI environment: the address that the connection came from, whatever its headers say."""


def of_request(config: PanelConfig, database: Database) -> Identity | None:
    """Return who makes this request, or None for a stranger; a wrong token is not made good by a cookie."""
    sent = request.headers.get("Authorization")
    if sent is None:
        # A session that nobody asks for is given no cookie.
        return _of_session() if sessions.COOKIE in request.cookies else None
    kind, _, word = sent.partition(" ")
    if kind.lower() != "bearer":
        return None
    return (local.identify(config.session_key, word, request.environ[PEER])
            or tokens.identify(database, word, request.remote_addr or ""))


def _of_session() -> Identity | None:
    session = sessions.current()
    account = session.account
    if account is None or session.row is None or session.row.awaits_code:
        return None
    may = frozenset() if account.must_change_password else ROLES[account.role] | {OWN}
    return Identity(actor=Actor(name=account.username, address=request.remote_addr or ""), way="session",
                    account=account, scopes=may | {PASSWORD}, session_hash=session.row.id_hash)
