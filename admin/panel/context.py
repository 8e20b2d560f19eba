"""What the running application was made with, for whoever answers a request."""

from flask import current_app

from .config import PanelConfig
from .store.database import Database


def database() -> Database:
    """Return the application's store."""
    found: Database = current_app.extensions["database"]
    return found


def config() -> PanelConfig:
    """Return the application's configuration."""
    found: PanelConfig = current_app.extensions["config"]
    return found
