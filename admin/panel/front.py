"""The front page, below the secret path."""

from flask import Blueprint, render_template

from .accounts import public

blueprint = Blueprint("front", __name__)


# Caddy forwards the secret path with and without its slash. Both are the page, for Werkzeug's own redirect
# from one to the other is absolute and would repeat the client's Host header.
@blueprint.get("")
@blueprint.get("/")
@public
def page() -> str:
    """Say what this version can do."""
    return render_template("front/page.html")
