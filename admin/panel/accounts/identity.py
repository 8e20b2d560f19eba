"""Finds out who makes a request: by a token if one was sent, and else by the session's cookie."""

from flask import request

from ..config import PanelConfig
from . import local
from .access import Identity

PEER = "panel.peer"
"""Key of the WSGI environment: the address that the connection came from, whatever its headers say."""


def of_request(config: PanelConfig) -> Identity | None:
    """Return who makes this request, or None for a stranger; a wrong token is not made good by a cookie."""
    sent = request.headers.get("Authorization")
    if sent is None:
        return None
    kind, _, word = sent.partition(" ")
    if kind.lower() != "bearer":
        return None
    return local.identify(config.session_key, word, request.environ[PEER])
