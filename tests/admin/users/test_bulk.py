from typing import get_args

import pytest
from sqlalchemy import func, select

from panel import users
from panel.store.accounts import AuditEntry
from panel.store.database import Database
from panel.store.models import User
from panel.users import NewUser, UnknownUserError, UserChange, UserError, bulk, revisions
from panel.users.bulk import BulkAction
from tests.admin.users.facts import OPERATOR, SERVER


@pytest.fixture
def three(database: Database) -> list[int]:
    with database.write() as session:
        return [users.create(session, OPERATOR, SERVER, NewUser(name=name)).id for name in ("a", "b", "c")]


def count(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


@pytest.mark.parametrize("action", get_args(BulkAction))
def test_many_users_change_with_one_revision_and_an_entry_for_each(
    database: Database, three: list[int], action: BulkAction,
) -> None:
    before = count(database)
    with database.write() as session:
        changed = bulk.apply(session, OPERATOR, [three[0], three[2], three[0]], action)
    assert [user.id for user in changed] == [three[0], three[2]]
    with database.read() as session:
        revision = revisions.current(session)
        assert session.get_one(User, three[1]).revision == revision - 1
        assert {session.get_one(User, user_id).revision for user_id in (three[0], three[2])} == {revision}
    assert count(database) == before + 2


def test_one_user_who_is_gone_stops_it_for_all(database: Database, three: list[int]) -> None:
    with pytest.raises(UnknownUserError, match="User 99 does not exist"), database.write() as session:
        bulk.apply(session, OPERATOR, [*three, 99], "disable")
    with database.read() as session:
        assert [session.get_one(User, user_id).is_enabled for user_id in three] == [True] * 3


def test_many_users_get_one_quota_but_never_one_name(database: Database, three: list[int]) -> None:
    with database.write() as session:
        bulk.edit_all(session, OPERATOR, three, UserChange(quota_bytes=5))
    with database.read() as session:
        assert [session.get_one(User, user_id).quota_bytes for user_id in three] == [5] * 3
    with pytest.raises(UserError, match="cannot have one name"), database.write() as session:
        bulk.edit_all(session, OPERATOR, three, UserChange(name="d"))
