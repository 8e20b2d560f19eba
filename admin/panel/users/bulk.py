"""The changes of service.py done to many users: to all of them, or to none if one is refused."""

from collections.abc import Callable, Iterable
from typing import Literal

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ..audit import Actor
from ..store.models import User
from . import service
from .errors import UserError
from .fields import UNCHANGED, UserChange

BulkAction = Literal["enable", "disable", "delete", "reset_usage", "revoke_link", "renew_secrets"]

_ACTIONS: dict[BulkAction, Callable[[Session, Actor, int], User]] = {
    "enable": lambda session, actor, user_id: service.switch(session, actor, user_id, True),
    "disable": lambda session, actor, user_id: service.switch(session, actor, user_id, False),
    "delete": service.delete,
    "reset_usage": service.reset_usage,
    "revoke_link": service.revoke_link,
    "renew_secrets": service.renew_secrets,
}


def apply(session: Session, actor: Actor, user_ids: Iterable[int], action: BulkAction) -> list[User]:
    """Do the action to each user once; raises UnknownUserError if one of them is gone."""
    return [_ACTIONS[action](session, actor, user_id) for user_id in dict.fromkeys(user_ids)]


def edit_all(session: Session, actor: Actor, user_ids: Iterable[int], change: UserChange) -> list[User]:
    """Make the same change to each user; raises UserError if it names them, for names are no two users'."""
    if change.name is not UNCHANGED:
        raise UserError("name", _("Several users cannot have one name; change the name of one user."))
    return [service.edit(session, actor, user_id, change) for user_id in dict.fromkeys(user_ids)]
