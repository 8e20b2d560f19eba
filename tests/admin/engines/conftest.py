from collections.abc import Iterator

import pytest

from tests.admin.engines.fake_agent import FakeAgent, Served


@pytest.fixture
def served() -> Iterator[Served]:
    """A fake agent that listens."""
    served = Served(FakeAgent())
    yield served
    served.die()
