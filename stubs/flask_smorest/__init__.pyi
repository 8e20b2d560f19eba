"""The part of flask-smorest, which has no types of its own, that the panel's API uses."""

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import apispec
import flask
from marshmallow import Schema

_View = TypeVar("_View", bound=Callable[..., Any])

class Api:
    spec: apispec.APISpec
    def __init__(self, app: flask.Flask, *, spec_kwargs: dict[str, Any]) -> None: ...
    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None: ...

class Blueprint(flask.Blueprint):
    def __init__(self, name: str, import_name: str, *, url_prefix: str = ..., description: str) -> None: ...
    def route(self, rule: str, **options: Any) -> Callable[[_View], _View]: ...
    def arguments(
        self, schema: type[Schema] | Schema, *, location: str = ..., unknown: str = ..., **options: Any,
    ) -> Callable[[_View], _View]: ...
    def response(
        self, status_code: int, schema: type[Schema] | Schema | None = ..., **options: Any,
    ) -> Callable[[_View], _View]: ...
    def alt_response(
        self, status_code: int, *, description: str, schema: type[Schema] = ...,
    ) -> Callable[[_View], _View]: ...
    @staticmethod
    def doc(**words: Any) -> Callable[[_View], _View]: ...

def abort(http_status_code: int, *, message: str = ..., errors: dict[str, Any] = ...) -> NoReturn: ...
