"""What the running application was made with, for whoever answers a request."""

from flask import current_app

from .config import PanelConfig
from .engines import Engines
from .store.database import Database


def database() -> Database:
    """Return the application's store."""
    found: Database = current_app.extensions["database"]
    return found


def engines() -> Engines:
    """Return what brings users to the application's engines, and knows how these are."""
    found: Engines = current_app.extensions["engines"]
    return found


def config() -> PanelConfig:
    """Return the application's configuration."""
    found: PanelConfig = current_app.extensions["config"]
    return found
