from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from panel import users
from panel.engines import accounting
from panel.engines.accountant import Accountant
from panel.engines.accounting import Look
from panel.engines.agent import Report
from panel.store.database import Database
from panel.store.models import User
from panel.users import UserChange
from tests.admin.engines.people import ACTOR, add


def test_a_user_whom_a_change_during_the_step_found_expired_is_not_let_in_again(
    database: Database, monkeypatch: pytest.MonkeyPatch,
) -> None:
    (user,) = add(database, "Anna")

    def look(session: Session, now: datetime, reports: Mapping[str, Report], host: str) -> Look:
        with database.write() as other:
            users.edit(other, ACTOR, user, UserChange(expires_at=datetime.now(UTC)))
            assert other.get_one(User, user).status == "expired"
        return original(session, now, reports, host)

    original = accounting.look
    monkeypatch.setattr(accounting, "look", look)
    Accountant({}, database, ZoneInfo("UTC"), lambda: None).step()
    with database.read() as session:
        assert session.get_one(User, user).status == "expired"
