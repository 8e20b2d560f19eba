"""The admin panel: an ordinary Flask application below a secret path.

The factory is the map of the application. This version signs nobody in, so it keeps no session and
deliberately gives Flask no key to make one with. It knows nothing of containers or of their deployment.
"""

from flask import Flask

from . import front, guard, health, web
from .config import PanelConfig

__all__ = ["PanelConfig", "create_app"]


def create_app(config: PanelConfig) -> Flask:
    """Make the application; nothing in it falls back to a value that config does not hold."""
    app = Flask(__name__, static_folder=None)
    # An automatic OPTIONS would tell a stranger which paths exist.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    guard.protect(app, config)
    web.install(app, config)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(front.blueprint, url_prefix=config.path)
    return app
