"""The API's description, and what strangers and programs that guess get from it."""

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from panel.accounts import access
from tests.admin import through_caddy
from tests.admin.api.conftest import Api
from tests.admin.panel_file import PATH

BELOW = f"{PATH}/api/v1"


def test_it_names_every_path_of_the_api(api: Api, app: Flask) -> None:
    described = api("GET", "/openapi.json")
    routes = {rule.rule.removeprefix(BELOW) for rule in app.url_map.iter_rules() if rule.rule.startswith(BELOW)}
    assert described["openapi"] == "3.1.0"
    assert len(described["paths"]) == len(routes) - 1
    assert all("summary" in operation for path in described["paths"].values()
               for method, operation in path.items() if method != "parameters")


def test_every_request_is_in_the_documents_and_no_other(api: Api) -> None:
    described = {f"{method.upper()} {path.removeprefix(BELOW)}"
                 for path, operations in api("GET", "/openapi.json")["paths"].items()
                 for method in operations if method != "parameters"}
    documented = re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) \S+)` \|", Path("docs/api.md").read_text(), re.M)
    assert sorted(documented) == sorted(described)


def test_a_stranger_gets_401_from_every_path_by_every_method(app: Flask) -> None:
    client = through_caddy.client(app)
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(BELOW)]
    adapter = app.url_map.bind("www.example.com")
    answers: dict[str, Any] = {}
    for rule in rules:
        values = {name: "1" if "int" in type(converter).__name__.lower() else "enable"
                  for name, converter in rule._converters.items()}
        path = adapter.build(rule.endpoint, values, method=next(iter(rule.methods or ())))
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            answers[f"{method} {path}"] = client.open(path, method=method).status_code
    assert len(answers) >= 5 * len(rules)
    assert {path: code for path, code in answers.items() if code != 401} == {}


def test_every_path_asks_for_a_scope(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(BELOW):
            for method in rule.methods or ():
                scope = access.scope_of(app.view_functions[rule.endpoint], method)
                assert scope in access.SCOPES or method == "OPTIONS", f"{method} {rule.rule}"


@pytest.mark.parametrize("path", ["/openapi.yaml", "/docs", "/swagger-ui", "/redoc", "/users/1/secrets", "/users/"])
def test_nothing_else_is_served(api: Api, path: str) -> None:
    assert api.raw("GET", path).status_code in (404, 405)
