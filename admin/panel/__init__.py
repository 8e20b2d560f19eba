"""The admin panel: an ordinary Flask application below a secret path.

The factory is the map of the application. It knows nothing of containers or of their deployment.
"""

from flask import Flask

from . import accounts, api, fleet, guard, health, metrics, subscriptions, web
from .accounts import people
from .alerts import Alerts
from .config import PanelConfig
from .engines import Engines, accounting
from .store import soundness
from .store.database import Database
from .store.migration import migrate
from .store.models import MAIN
from .takeover import take_over
from .users import service

__all__ = ["PanelConfig", "create_app", "open_store"]


def open_store(config: PanelConfig) -> Database:
    """Open the store, bring its tables to this version, and give a new one its first user and account.

    A restored copy takes the store's place first. Raises StoreError if the store belongs to a newer version, is
    damaged, or is gone.
    """
    take_over(config.database_url)
    database = Database(config.database_url)
    if database.file:
        soundness.check(database.file)
    migrate(database)
    with database.write() as session:
        service.start(session, config.server)
        people.start(session, config)
        fleet.start(session, config)
        accounting.close_others(session, [MAIN, *config.hosts])
    if database.file:
        soundness.note(database.file)
    return database


def create_app(config: PanelConfig, database: Database) -> Flask:
    """Make the application; nothing in it falls back to a value that config does not hold."""
    app = Flask(__name__, static_folder=None)
    # An automatic OPTIONS would tell a stranger which paths exist.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    engines = Engines(config, database)
    app.extensions.update(config=config, database=database, engines=engines)
    signed_in = accounts.install(app, config, database)
    app.extensions["background"] = [engines, signed_in.upkeep, Alerts(config, database, engines, signed_in)]
    metrics.install(app, config, database, engines, signed_in)
    guard.protect(app, config)
    web.install(app, config)
    api.install(app, config)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(subscriptions.blueprint, url_prefix=config.subscription_path)
    return app
