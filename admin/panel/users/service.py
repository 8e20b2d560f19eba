"""The changes of single users; bulk.py does them to many."""

from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete as delete_rows
from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import audit
from ..audit import Actor
from ..config import ServerFacts
from ..store.models import User
from . import addresses, credentials, revisions
from .errors import UserError
from .fields import NewUser, UserChange, checked
from .search import by_name, find
from .status import settle, target
from .text import name_key, search_key

FIRST_NAME = "first"


def start(session: Session, server: ServerFacts | None) -> None:
    """Make the first user of a new store, and give addresses to those for whom the subnet was too small before."""
    revisions.await_writers(session)
    if revisions.current(session) == 0:
        create(session, audit.PANEL, server, NewUser(name=FIRST_NAME))
        return
    without = list(session.scalars(
        select(User).where(User.wireguard_number.is_(None), User.deleted_at.is_(None)).order_by(User.id)))
    addresses.give(session, without, server)
    for user in without:
        if user.wireguard_number is not None:
            _stamp(session, user, audit.PANEL, "user.address")


def create(session: Session, actor: Actor, server: ServerFacts | None, new: NewUser) -> User:
    """Make a user with secrets for every protocol; without WireGuard if the subnet is full (`addresses.lack`)."""
    values = checked(new)
    revision = revisions.begin(session)
    _check_name_is_free(session, values["name"])
    now = datetime.now(UTC)
    user = User(**values, **_keys(values["name"], values["note"]), secrets=credentials.make(), period_began_at=now,
                created_at=now, updated_at=now, revision=revision)
    session.add(user)
    addresses.give(session, [user], server)
    settle(session, [user], now)
    audit.record(session, actor, "user.create", target(user), **_told(values))
    return user


def find_for_change(session: Session, user_id: int) -> User:
    """Return the user as no other transaction changes them until the end of this one; raises UnknownUserError."""
    revisions.await_writers(session)
    return find(session, user_id)


def edit(session: Session, actor: Actor, user_id: int, change: UserChange) -> User:
    """Change the fields that are said; another period of the quota begins at zero."""
    values = checked(change)
    revisions.begin(session)
    user = find(session, user_id)
    before = {name: getattr(user, name) for name in values}
    values = {name: value for name, value in values.items() if value != before[name]}
    if "name" in values:
        _check_name_is_free(session, values["name"], user)
    for name, value in values.items():
        setattr(user, name, value)
    user.name_key, user.search_key = _keys(user.name, user.note).values()
    if "quota_period" in values:
        user.period_began_at, user.period_used_bytes = datetime.now(UTC), 0
    return _stamp(session, user, actor, "user.edit", **_told(values, before))


def switch(session: Session, actor: Actor, user_id: int, enabled: bool) -> User:
    """Let the user in, or keep them out and cut their connections."""
    revisions.begin(session)
    user = find(session, user_id)
    user.is_enabled = enabled
    return _stamp(session, user, actor, "user.enable" if enabled else "user.disable")


def reset_usage(session: Session, actor: Actor, user_id: int) -> User:
    """Begin the quota's period anew; the sums of all the time stay."""
    revisions.begin(session)
    user = find(session, user_id)
    used = user.period_used_bytes
    user.period_began_at, user.period_used_bytes = datetime.now(UTC), 0
    return _stamp(session, user, actor, "user.reset_usage", used_bytes=used)


def revoke_link(session: Session, actor: Actor, user_id: int) -> User:
    """Make the subscription's link invalid and another one valid; what clients have fetched goes on working."""
    revisions.begin(session)
    user = find(session, user_id)
    user.subscription_generation += 1
    return _stamp(session, user, actor, "user.revoke_link", generation=user.subscription_generation)


def renew_secrets(session: Session, actor: Actor, user_id: int) -> User:
    """Make all that clients have fetched invalid, and cut their connections; the link gives the new secrets."""
    revisions.begin(session)
    user = find(session, user_id)
    user.secrets = credentials.make()
    return _stamp(session, user, actor, "user.renew_secrets")


def delete(session: Session, actor: Actor, user_id: int) -> User:
    """Delete the user and their secrets; the row stays for the engines' sake until `purge`."""
    revisions.begin(session)
    user = find(session, user_id)
    user.secrets, user.note, user.search_key = {}, "", ""
    user.deleted_at = datetime.now(UTC)
    return _stamp(session, user, actor, "user.delete")


def purge(session: Session, revision: int) -> None:
    """Remove the rows of the users whose deletion all engines have written down, as they have that revision."""
    revisions.await_writers(session)
    session.execute(delete_rows(User).where(User.deleted_at.is_not(None), User.revision <= revision))


def _stamp(session: Session, user: User, actor: Actor, action: str, **detail: Any) -> User:
    now = datetime.now(UTC)
    user.updated_at, user.revision = now, revisions.begin(session)
    settle(session, [user], now)
    audit.record(session, actor, action, target(user), **detail)
    return user


def _keys(name: str, note: str) -> dict[str, str]:
    return {"name_key": name_key(name), "search_key": search_key(name, note)}


def _check_name_is_free(session: Session, name: str, user: User | None = None) -> None:
    other = by_name(session, name)
    if other is not None and other is not user:
        raise UserError("name", _(
            "There is a user named %(name)s already; choose another name.", name=other.name))


def _told(values: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what the audit log tells of the values; of a note, which may be private, only that there is another."""
    told = {name: _plain(value) if before is None else [_plain(before[name]), _plain(value)]
            for name, value in values.items() if name != "note"}
    return told | ({"note": "changed"} if before is not None and "note" in values else {})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
