"""Errors as JSON: a code, its name, and sentences by field."""

from typing import Any, NoReturn

from flask_smorest import Blueprint, abort
from werkzeug.exceptions import HTTPException

from ..users import UnknownUserError, UserError

Answer = tuple[dict[str, Any], int]


def refuse(code: int, message: str) -> NoReturn:
    """End the request with that code and one sentence."""
    abort(code, message=message)


def handle(blueprint: Blueprint) -> None:
    """Let a blueprint answer its errors as this module says."""
    blueprint.register_error_handler(UserError, _mendable)
    blueprint.register_error_handler(UnknownUserError, _unknown)
    blueprint.register_error_handler(HTTPException, _as_json)


def _mendable(error: UserError) -> Answer:
    return {"code": 422, "status": "Unprocessable Entity",
            "errors": {"json": {error.field or "_schema": [error.sentence]}}}, 422


def _unknown(error: UnknownUserError) -> Answer:
    return {"code": 404, "status": "Not Found", "message": error.sentence}, 404


def _as_json(error: HTTPException) -> Answer:
    code = error.code or 500
    told = {"code": code, "status": error.name}
    said = getattr(error, "data", None) or {}
    if "message" in said:
        told["message"] = said["message"]
    # webargs names its own "messages".
    if faults := said.get("errors") or said.get("messages"):
        told["errors"] = faults
    return told, code
