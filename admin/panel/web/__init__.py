"""Pages for people, rendered here and of use without JavaScript; what is done to users is done by users/."""

from flask import Flask

from ..config import PanelConfig
from . import access, account, accounts, formats, language, layout


def install(app: Flask, config: PanelConfig) -> None:
    """Give app its pages, their languages, and what their templates use."""
    language.install(app, config)
    formats.install(app)
    layout.install(app)
    for blueprint in (layout.blueprint, access.blueprint, account.blueprint, accounts.blueprint):
        app.register_blueprint(blueprint, url_prefix=config.path)
