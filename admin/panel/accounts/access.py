"""Who may do what: scopes, roles, and the marks on views by which guard.py lets a request in or not.

A view without a mark answers nobody, so what was forgotten is closed. Views never ask for roles, only for scopes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from flask import g

from ..audit import Actor
from ..store.accounts import Account

SCOPES = ("users:read", "users:write", "server:read", "audit:read", "accounts:write")
"""What may be asked for; a role is a set of these."""

OWN = "account:own"
"""Scope of the pages of one's own account; every session has it, and no token."""

PASSWORD = "account:password"  # noqa: S105 # a scope
"""Scope of the one page that is left to a session whose password was given and must be changed."""

_READER = frozenset({"users:read", "server:read"})
_OPERATOR = _READER | {"users:write", "audit:read"}
ROLES = {"reader": _READER, "operator": _OPERATOR, "owner": frozenset(SCOPES)}

# Whoever takes over a token must not be able to make themselves an account.
TOKEN_SCOPES = frozenset(SCOPES) - {"accounts:write"}
"""What a token may hold at most, beside the limits of its account."""

EVERYBODY = ""
"""What scope_of says of a view that is open to everybody."""

_MARK = "panel_scope"
_View = TypeVar("_View", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Identity:
    """On whose behalf a request is made, once that has been proven."""

    actor: Actor
    scopes: frozenset[str]
    way: Literal["session", "token", "local"]
    account: Account | None = None
    """None for the container's own program."""

    session_hash: str = ""
    """Of the word of the session; empty where none is."""


def requires(scope: str) -> Callable[[_View], _View]:
    """Mark a view, or a method of a view class, as open to identities of that scope."""
    if scope not in (*SCOPES, OWN, PASSWORD):
        raise ValueError(f"{scope} is no scope")
    return lambda view: _mark(view, scope)


def public(view: _View) -> _View:
    """Mark a view as open to everybody who knows the secret path."""
    return _mark(view, EVERYBODY)


def scope_of(view: Callable[..., Any] | None, method: str) -> str | None:
    """Return the scope that view asks for by this method, EVERYBODY, or None for a view that is open to nobody."""
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        # As Flask's MethodView does, which answers HEAD by get().
        name = method.lower()
        view = getattr(view_class, name, None) or (view_class.get if name == "head" else None)
    mark: str | None = getattr(view, _MARK, None)
    return mark


def current_identity() -> Identity | None:
    """Return who makes this request, or None for a stranger."""
    identity: Identity | None = g.get("identity")
    return identity


def current_account() -> Account | None:
    """Return the account that makes this request, by itself or by a token; None for strangers and for `ops`."""
    identity = current_identity()
    return identity.account if identity else None


def current_actor() -> Actor:
    """Return who stands in the audit log for what this request does; raises LookupError for a stranger."""
    identity = current_identity()
    if identity is None:
        raise LookupError("a stranger does nothing that is written down")
    return identity.actor


def _mark(view: _View, scope: str) -> _View:
    # An attribute, for functools.wraps carries it through the decorators of other libraries.
    setattr(view, _MARK, scope)
    return view
