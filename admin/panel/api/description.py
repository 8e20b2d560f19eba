"""The API's own description (OpenAPI 3.1), for those who are signed in."""

from typing import Any

from flask import Flask, Response, jsonify
from flask_smorest import Api

from ..accounts import requires

SPEC: dict[str, Any] = {
    "info": {"description": (
        "The panel's actions as JSON. Send a token, which the panel gives on the page of your account, as "
        "`Authorization: Bearer ...`. Times are in UTC, sizes in bytes. An error has `code`, `status`, and `message` "
        "or, by field, `errors`.")},
    "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    "security": [{"token": []}],
}


def install(app: Flask, api: Api, path: str) -> None:
    """Serve the description at openapi.json below path."""
    @requires("users:read")
    def describe() -> Response:
        return jsonify(api.spec.to_dict())

    app.add_url_rule(f"{path}/openapi.json", "api_description", describe)
