"""Writes all users down."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ...store.models import Usage, User
from .documents import USERS_KEY
from .records import written

FORMAT = "stealth-vpn users"
VERSION = 1
_CSV_COLUMNS = (
    "name", "note", "status", "quota_bytes", "quota_period", "period_used_bytes", "up_bytes", "down_bytes",
    "expires_at", "created_at", "last_seen_at", "closed_protocols")
# What a spreadsheet takes for a formula (OWASP, CSV Injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def export_json(session: Session) -> Iterator[str]:
    """Write all users with their secrets and counters, a line for each; keep it like a password."""
    head = {"format": FORMAT, "version": VERSION, "exported_at": datetime.now(UTC).isoformat()}
    yield f"{json.dumps(head)[:-1]}, \"{USERS_KEY}\": ["
    usage: dict[int, list[Usage]] = {}
    for row in session.scalars(select(Usage)):
        usage.setdefault(row.user_id, []).append(row)
    separator = "\n"
    for user in _users(session):
        yield separator + json.dumps(written(user, usage.get(user.id, [])), ensure_ascii=False)
        separator = ",\n"
    yield "\n]}\n"


def export_csv(session: Session) -> Iterator[str]:
    """Write what a table of people needs, without secrets."""
    yield ",".join(_CSV_COLUMNS) + "\r\n"
    for user in _users(session):
        line = io.StringIO()
        csv.writer(line).writerow([_cell(getattr(user, name)) for name in _CSV_COLUMNS])
        yield line.getvalue()


EXPORTS: Mapping[str, tuple[Callable[[Session], Iterator[str]], str]] = {
    "json": (export_json, "application/json"), "csv": (export_csv, "text/csv")}
"""By form: what writes it, and its media type."""


def _users(session: Session) -> Iterator[User]:
    yield from session.scalars(select(User).where(User.deleted_at.is_(None)).order_by(User.id))


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, datetime):
        return value.isoformat()
    text = "" if value is None else str(value)
    # Numbers are ours, and never negative.
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
