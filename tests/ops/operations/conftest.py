import pytest

from tests.ops.operations.fakes import FakeEngine, install


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    return install(monkeypatch)
