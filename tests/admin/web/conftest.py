from collections.abc import Callable
from typing import Any

import pytest

from panel import PanelConfig, users
from panel.store.database import Database
from panel.users import NewUser
from tests.admin.users.facts import OPERATOR


@pytest.fixture
def make(database: Database, config: PanelConfig) -> Callable[..., int]:
    """Return a function that makes a user and gives back the id."""
    def create(name: str, **fields: Any) -> int:
        with database.write() as session:
            return users.create(session, OPERATOR, config.server, NewUser(name=name, **fields)).id
    return create
