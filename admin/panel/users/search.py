"""Finding users."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..store.models import User
from .errors import UnknownUserError
from .text import folded, name_key

Sort = Literal["name", "created", "expires", "used", "traffic", "seen"]
MOST_PER_PAGE = 200
MOST_CHARACTERS = 200
"""Of what is looked for; longer than names and notes need, and far from what a database's patterns may be."""

_ORDERS: dict[Sort, Any] = {
    "name": User.name_key, "created": User.created_at, "expires": User.expires_at, "used": User.period_used_bytes,
    "traffic": User.up_bytes + User.down_bytes, "seen": User.last_seen_at}


@dataclass(frozen=True, kw_only=True)
class UserQuery:
    """Which users, in which order."""

    text: str = ""
    """Part of a name or note; case does not count."""

    status: str = ""
    """One status, or empty for all but deleted."""

    sort: Sort = "name"
    descending: bool = False
    page: int = 1
    size: int = 50


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some of the users that were found."""

    users: list[User]
    total: int
    number: int
    """Of this page, from 1; the last one if fewer were found than asked for."""

    pages: int


def find(session: Session, user_id: int) -> User:
    """Return the user with that id; raises UnknownUserError if there is none or it is deleted."""
    user = session.get(User, user_id)
    if user is None or user.deleted_at is not None:
        raise UnknownUserError(user_id)
    return user


def by_name(session: Session, name: str) -> User | None:
    """Return the user of that name, whatever its case."""
    return session.scalars(select(User).where(User.name_key == name_key(name), User.deleted_at.is_(None))).one_or_none()


def search(session: Session, query: UserQuery) -> Page:
    """Return one page of the users that fit the query; those without a value come last in either order."""
    fits = select(User).where(User.deleted_at.is_(None))
    if query.status:
        fits = fits.where(User.status == query.status)
    if text := folded(query.text).strip():
        fits = fits.where(User.search_key.contains(text, autoescape=True))
    total = session.scalar(select(func.count()).select_from(fits.subquery())) or 0
    size = min(max(query.size, 1), MOST_PER_PAGE)
    pages = max(1, -(-total // size))
    number = min(max(query.page, 1), pages)
    order = _ORDERS[query.sort]
    ordered = fits.order_by((order.desc() if query.descending else order.asc()).nulls_last(), User.id)
    users = list(session.scalars(ordered.offset((number - 1) * size).limit(size)))
    return Page(users=users, total=total, number=number, pages=pages)
