"""Pages for people, rendered here and of use without JavaScript; what is done to users is done by users/."""

from flask import Flask
from jinja2 import StrictUndefined

from ..config import PanelConfig
from . import (
    access,
    account,
    accounts,
    audit,
    errors,
    exchange,
    formats,
    language,
    layout,
    overview,
    preferences,
    user,
    users,
)

_BLUEPRINTS = (
    layout.blueprint, access.blueprint, account.blueprint, accounts.blueprint, overview.dashboard, overview.server,
    users.blueprint, user.blueprint, exchange.blueprint, audit.blueprint, preferences.blueprint)


def install(app: Flask, config: PanelConfig) -> None:
    """Give app its pages, their languages, and what their templates use."""
    # A name that a template has and the code has not any more is a fault, and no empty place.
    app.jinja_env.undefined = StrictUndefined
    # The audit log's details show names as they are written.
    app.json.ensure_ascii = False  # type: ignore[attr-defined] # of Flask's own provider, not of its base class
    language.install(app, config)
    formats.install(app)
    layout.install(app)
    errors.install(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint, url_prefix=config.path)
