"""The JSON API: what the pages can do, for programs. Its OpenAPI description is served behind the same sign-in."""

from flask import Flask
from flask_smorest import Api

from ..config import PanelConfig
from . import accounts, audit, description, exchange, hosts, server, users

_BLUEPRINTS = (users.blueprint, exchange.blueprint, server.blueprint, hosts.blueprint, accounts.blueprint,
               audit.blueprint)


class _Api(Api):
    """An Api whose errors are JSON on its own paths only; elsewhere guard.py answers."""

    def _register_error_handlers(self) -> None:
        pass


def install(app: Flask, config: PanelConfig) -> None:
    """Give app the API, below the panel's path."""
    app.config.update(
        API_TITLE="stealth-vpn", API_VERSION="v1", OPENAPI_VERSION="3.1.0",
        # flask-smorest would serve the description to everybody.
        OPENAPI_URL_PREFIX=None)
    api = _Api(app, spec_kwargs=description.SPEC)
    for blueprint in _BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=f"{config.path}/api/v1{blueprint.url_prefix or ''}")
    # Below the server's own path, which is secret.
    description.install(app, api, f"{config.path}/api/v1")
