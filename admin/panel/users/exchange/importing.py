"""Takes users in from a file: all of them, or none and every reason why."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ... import audit
from ...audit import Actor
from ...config import ServerFacts
from ...store.models import MAIN, Usage, User
from .. import addresses, credentials, revisions
from ..status import settle, target
from ..text import name_key, search_key
from . import foreign, records
from .documents import Document, DocumentError, Entry, Fault, read
from .exporting import FORMAT, VERSION
from .planning import OnClash, Plan
from .records import Record

FOREIGN = "users.json"
"""What the audit log calls a file that is no export of ours."""

# A file may have more faults than anybody reads, each of them larger than what it tells of.
_MOST_FAULTS = 1000


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What came of an import, or would come of it."""

    created: int = 0
    replaced: int = 0
    skipped: int = 0
    faults: list[Fault] = field(default_factory=list)
    """If there is one, nothing was done."""

    lacks: list[str] = field(default_factory=list)
    """A sentence for each user who got no WireGuard."""


def import_users(session: Session, actor: Actor, server: ServerFacts | None, text: str | bytes, *,
                 on_clash: OnClash = "refuse", dry_run: bool = False) -> ImportReport:
    """Add the users of a file; on_clash says what becomes of a name that is there already."""
    try:
        document = read(text)
        found, faults = _records(document)
    except DocumentError as error:
        return ImportReport(faults=[error.fault])
    if not dry_run:
        revisions.await_writers(session)
    plan = Plan(session, found, on_clash)
    faults += plan.faults
    if faults:
        return ImportReport(faults=_first(sorted(faults, key=lambda fault: fault.line)))
    lacks = [] if dry_run else _carry_out(session, actor, server, plan)
    if not dry_run:
        audit.record(session, actor, "users.import", FORMAT if _is_own(document) else FOREIGN, created=len(plan.new),
                     replaced=len(plan.replacing), skipped=plan.skipped)
    return ImportReport(created=len(plan.new), replaced=len(plan.replacing), skipped=plan.skipped, lacks=lacks)


def _first(faults: list[Fault]) -> list[Fault]:
    if len(faults) <= _MOST_FAULTS:
        return faults
    line, count = faults[_MOST_FAULTS].line, len(faults) - _MOST_FAULTS
    return [*faults[:_MOST_FAULTS], Fault(line=line, name="", field="", sentence=(
        f"There are {count} faults more, the first of them here; correct those above, and check the file again."))]


def _records(document: Document) -> tuple[list[Record], list[Fault]]:
    own = _is_own(document)
    if own and document.header.get("version") != VERSION:
        raise DocumentError(1, f"The file is an export of another version than {VERSION}; export it again from a "
                               "panel of this version.")
    found, faults = [], []
    for entry in document.entries:
        record, wrong = records.checked(entry) if own else _translated(entry)
        faults += wrong
        if record:
            found.append(record)
    return found, faults


def _is_own(document: Document) -> bool:
    return document.header.get("format") == FORMAT


def _translated(entry: Entry) -> tuple[Record | None, list[Fault]]:
    own, untranslated = foreign.translated(entry)
    record, faults = records.checked(own)
    return (None if untranslated else record), untranslated + faults


def _carry_out(session: Session, actor: Actor, server: ServerFacts | None, plan: Plan) -> list[str]:
    """Write the users down; return a sentence for each one without WireGuard."""
    now = datetime.now(UTC)
    pairs = [(session.get_one(User, user_id), record) for user_id, record in plan.replacing.items()]
    pairs += [(User(created_at=now, period_began_at=now, note=""), record) for record in plan.new]
    users = [_filled(session, user, record, now) for user, record in pairs]
    settle(session, users, now)
    wanted = [(user, record.wireguard_number) for user, record in pairs if record.wireguard_number is not None]
    addresses.claim(session, wanted, server)
    addresses.give(session, users, server)
    for user, record in pairs:
        _count(session, user, record)
    done = ["replaced"] * len(plan.replacing) + ["created"] * len(plan.new)
    audit.record_each(session, actor, "user.import", (
        (target(user), {"as": what}) for user, what in zip(users, done, strict=True)))
    return [sentence for user in users if (sentence := addresses.lack(user, server))]


def _filled(session: Session, user: User, record: Record, now: datetime) -> User:
    for name, value in record.columns.items():
        setattr(user, name, value)
    user.secrets = user.secrets or credentials.make()
    user.name_key, user.search_key = name_key(user.name), search_key(user.name, user.note)
    user.updated_at, user.revision = now, revisions.begin(session)
    session.add(user)
    return user


def _count(session: Session, user: User, record: Record) -> None:
    counted = {(row.host, row.protocol): row for row in session.scalars(select(Usage).where(Usage.user_id == user.id))}
    for (_, protocol), usage in counted.items():
        # What the engines' counters said last stays, for they go on; the sums are those of all hosts.
        if protocol in record.usage:
            usage.up_bytes = usage.down_bytes = 0
    for protocol, (up_bytes, down_bytes) in record.usage.items():
        usage = counted.get((MAIN, protocol)) or Usage(user_id=user.id, protocol=protocol)
        usage.up_bytes, usage.down_bytes = up_bytes, down_bytes
        session.add(usage)
