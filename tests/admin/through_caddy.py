"""Clients whose requests look as Caddy passes them on: its address, its headers, the site's name."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.admin.panel_file import VALUES

HOST = "www.example.com"
SITE = f"https://{HOST}"
ADDRESS = "203.0.113.7"


class Client(FlaskClient):
    """A browser behind Caddy that says, as browsers do, which site its requests come from."""

    def open(self, *args: Any, **options: Any) -> Any:
        options.setdefault("base_url", SITE)
        return super().open(*args, **options)


def client(app: Flask, address: str = ADDRESS) -> Client:
    """Return a new client at that address, which keeps cookies."""
    made = Client(app, app.response_class, use_cookies=True)
    made.environ_base = {
        "REMOTE_ADDR": str(VALUES["proxyAddress"]), "HTTP_X_FORWARDED_FOR": address, "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_USER_AGENT": "tests"}
    return made
