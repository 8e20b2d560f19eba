from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from panel import PanelConfig, create_app
from tests.admin import panel_file


@pytest.fixture
def config(tmp_path: Path) -> PanelConfig:
    return PanelConfig.load(panel_file.write(tmp_path))


@pytest.fixture
def app(config: PanelConfig) -> Flask:
    return create_app(config)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
