import pytest

from panel import PanelConfig
from panel.config import ServerFacts


@pytest.fixture
def server(config: PanelConfig) -> ServerFacts:
    assert config.server
    return config.server
