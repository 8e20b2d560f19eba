"""Pages for people, rendered here and of use without JavaScript; what is done to users is done by users/."""

from flask import Flask

from ..config import PanelConfig
from . import formats, language, layout


def install(app: Flask, config: PanelConfig) -> None:
    """Give app its pages, their languages, and what their templates use."""
    language.install(app, config)
    formats.install(app)
    layout.install(app)
    app.register_blueprint(layout.blueprint, url_prefix=config.path)
