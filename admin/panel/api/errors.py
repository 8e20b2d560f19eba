"""Errors as JSON: a code, its name, and sentences by field."""

import json
from typing import Any, NoReturn

from flask import Request
from flask_smorest import Blueprint, abort
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from ..accounts import AccountError, ThrottledError, UnknownAccountError
from ..users import UnknownUserError, UserError

Answer = tuple[dict[str, Any], int]


def refuse(code: int, message: str) -> NoReturn:
    """End the request with that code and one sentence."""
    abort(code, message=message)


class _Parser(FlaskParser):
    """Refuses JSON that Python's reader gives up on: thousands of brackets or digits."""

    def _raw_load_json(self, req: Request) -> Any:
        try:
            return super()._raw_load_json(req)
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise
        except (RecursionError, ValueError):
            refuse(400, "The body nests too deeply or holds a number of thousands of digits; send it in other words.")


def handle(blueprint: Blueprint) -> None:
    """Let a blueprint answer its errors as this module says."""
    blueprint.ARGUMENTS_PARSER = _Parser()  # type: ignore[attr-defined] # its types leave the mixin out
    for mendable in (UserError, AccountError):
        blueprint.register_error_handler(mendable, _mendable)
    for unknown in (UnknownUserError, UnknownAccountError):
        blueprint.register_error_handler(unknown, _unknown)
    blueprint.register_error_handler(ThrottledError, _throttled)
    blueprint.register_error_handler(HTTPException, _as_json)


def _mendable(error: UserError | AccountError) -> Answer:
    return {"code": 422, "status": "Unprocessable Entity",
            "errors": {"json": {error.field or "_schema": [error.sentence]}}}, 422


def _unknown(error: UnknownUserError | UnknownAccountError) -> Answer:
    return {"code": 404, "status": "Not Found", "message": error.sentence}, 404


def _throttled(error: ThrottledError) -> tuple[dict[str, Any], int, dict[str, str]]:
    return ({"code": 429, "status": "Too Many Requests", "message": error.sentence}, 429,
            {"Retry-After": str(error.wait_seconds)})


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
