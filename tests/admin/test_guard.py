import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from panel import guard
from tests.admin.panel_file import PATH

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
HOSTILE = "attacker.example"


def crash() -> str:
    raise RuntimeError(f"{PATH} {HOSTILE}")


@pytest.fixture
def crashing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    app.add_url_rule(f"{PATH}/crash", "crash", crash)
    monkeypatch.setattr(guard, "PUBLIC_ENDPOINTS", guard.PUBLIC_ENDPOINTS | {"crash"})
    return app.test_client()


def address(app: Flask, rule: Rule) -> str:
    return app.url_map.bind("panel").build(rule.endpoint, dict.fromkeys(rule.arguments, "1"))


def test_every_public_endpoint_is_a_route_and_no_other_route_exists(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == guard.PUBLIC_ENDPOINTS


def test_every_route_but_the_public_ones_refuses(app: Flask) -> None:
    app.add_url_rule(f"{PATH}/users", "users", lambda: "closed", methods=METHODS)
    app.add_url_rule(f"{PATH}/users/<int:number>", "user", lambda number: f"closed {number}", methods=METHODS)
    app.add_url_rule("/metrics", "metrics", lambda: "closed", methods=METHODS)
    closed = [rule for rule in app.url_map.iter_rules() if rule.endpoint not in guard.PUBLIC_ENDPOINTS]
    answers = [app.test_client().open(address(app, rule), method=method) for rule in closed for method in METHODS]
    assert len(answers) == 3 * len(METHODS)
    assert {answer.status_code for answer in answers} == {404}
    assert [answer for answer in answers if b"closed" in answer.data] == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/health", PATH + "/"])
def test_a_method_that_no_route_has_gets_404_like_any_other_path(
    client: FlaskClient, method: str, path: str,
) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == 404
    assert "Allow" not in answer.headers


@pytest.mark.parametrize(("path", "status"), [
    (PATH + "/", 200), (PATH + "/static/panel.css", 200), ("/health", 200),
    ("/", 404), (PATH + "/nothing", 404), (PATH + "/static/nothing.css", 404), (PATH + "/crash", 500),
])
def test_every_answer_has_the_headers(crashing: FlaskClient, path: str, status: int) -> None:
    answer = crashing.get(path, buffered=True)
    assert answer.status_code == status
    assert {name: answer.headers.getlist(name) for name in guard.HEADERS} == {
        name: [value] for name, value in guard.HEADERS.items()}
    assert "Set-Cookie" not in answer.headers


def test_the_policy_allows_our_own_files_and_forms_and_nothing_else() -> None:
    policy = dict(part.split(" ", 1) for part in guard.HEADERS["Content-Security-Policy"].split("; "))
    assert policy.pop("default-src") == "'none'"
    own = {policy.pop(kind) for kind in ("style-src", "script-src", "img-src", "connect-src", "form-action")}
    assert own == {"'self'"}
    assert set(policy) == {"base-uri", "frame-ancestors"}, "default-src does not cover these"
    assert set(policy.values()) == {"'none'"}


def test_types_are_not_guessed_and_no_site_learns_the_address() -> None:
    assert guard.HEADERS["X-Content-Type-Options"] == "nosniff"
    assert guard.HEADERS["Referrer-Policy"] == "no-referrer"
    assert guard.HEADERS["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", PATH, PATH + "/", "/" + PATH + "//", PATH + "//", PATH + "/nothing"])
@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Forwarded-Prefix", "Forwarded"])
def test_no_answer_depends_on_the_host_that_a_client_names(client: FlaskClient, path: str, header: str) -> None:
    usual, hostile = client.get(path), client.get(path, headers={header: HOSTILE})
    assert (hostile.status_code, hostile.data) == (usual.status_code, usual.data)
    assert "Location" not in hostile.headers
    assert HOSTILE not in str(hostile.headers)


@pytest.mark.parametrize("host", ["", "a b", "[", "a/b", "x" * 300])
def test_a_malformed_host_makes_no_fault(client: FlaskClient, host: str) -> None:
    assert client.get(PATH + "/", headers={"Host": host}).status_code in (200, 404)


def test_a_fault_shows_its_number_and_nothing_of_its_cause(crashing: FlaskClient) -> None:
    answer = crashing.get(PATH + "/crash")
    assert answer.text.startswith("Internal Server Error, fault ")
    assert answer.mimetype == "text/plain"
    assert PATH not in answer.text
    assert HOSTILE not in answer.text


def test_the_number_of_a_fault_stands_in_the_log_with_its_traceback(
    crashing: FlaskClient, caplog: pytest.LogCaptureFixture,
) -> None:
    number = crashing.get(PATH + "/crash").text.split()[-1]
    assert f"Fault {number} at crash" in caplog.text
    assert "RuntimeError" in caplog.text
    assert [record for record in caplog.records if PATH in record.getMessage()] == []
