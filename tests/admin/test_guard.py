import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask.views import MethodView
from werkzeug.routing import Rule

from panel import guard
from panel.accounts import local, public, requires
from tests.admin import through_caddy
from tests.admin.panel_file import PATH, SESSION_KEY

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
HOSTILE = "attacker.example"
OURS = {"Authorization": f"Bearer {local.token(SESSION_KEY)}"}


@public
def crash() -> str:
    raise RuntimeError(f"{PATH} {HOSTILE}")


class Things(MethodView):
    @requires("users:read")
    def get(self) -> str:
        return "read"

    def post(self) -> str:
        return "forgotten"


@pytest.fixture
def crashing(app: Flask) -> FlaskClient:
    app.add_url_rule(f"{PATH}/crash", "crash", crash)
    return through_caddy.client(app)


def address(app: Flask, rule: Rule) -> str:
    return app.url_map.bind("panel").build(rule.endpoint, dict.fromkeys(rule.arguments, "1"))


def test_a_view_without_a_mark_answers_nobody(app: Flask) -> None:
    app.add_url_rule(f"{PATH}/new", "new", lambda: "closed", methods=METHODS)
    app.add_url_rule("/metrics", "metrics", lambda: "closed", methods=METHODS)
    for path in (f"{PATH}/new", "/metrics"):
        assert [app.test_client().open(path, method=method, headers=OURS).status_code for method in METHODS] == (
            [404] * len(METHODS))
        assert {through_caddy.client(app).open(path, method=method).status_code for method in METHODS} <= {303, 404}


def test_each_method_of_a_view_class_has_a_mark_of_its_own(app: Flask) -> None:
    app.add_url_rule(f"{PATH}/things", view_func=Things.as_view("things"))
    answers = {method: app.test_client().open(f"{PATH}/things", method=method, headers=OURS).status_code
               for method in ("GET", "HEAD", "POST", "PUT")}
    assert answers == {"GET": 200, "HEAD": 200, "POST": 404, "PUT": 404}


def test_a_scope_that_does_not_exist_is_refused_when_the_program_starts() -> None:
    with pytest.raises(ValueError, match="users:raed is no scope"):
        requires("users:raed")


@pytest.mark.parametrize("path", [PATH + "/users", PATH + "/nothing", PATH + "//", PATH + "/..", PATH + "/login/x"])
def test_a_stranger_is_led_to_the_sign_in_from_whatever_stands_below_the_path(client: FlaskClient, path: str) -> None:
    for method in ("GET", "POST"):
        answer = client.open(path, method=method)
        assert answer.status_code == 303
        assert answer.headers["Location"].partition("?")[0] == f"{PATH}/login"
    assert {client.open(path, method=method).status_code for method in ("PUT", "DELETE", "OPTIONS", "TRACE")} == {404}


@pytest.mark.parametrize("path", [PATH + "/api/", PATH + "/api/v1/users", PATH + "/api/nothing"])
def test_the_api_answers_a_stranger_by_401(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_a_method_that_no_route_has_gets_404_like_any_other_path(client: FlaskClient, method: str) -> None:
    answer = client.open("/health", method=method)
    assert answer.status_code == 404
    assert "Allow" not in answer.headers


@pytest.mark.parametrize(("path", "status"), [
    (PATH + "/login", 200), (PATH + "/", 303), (PATH + "/static/panel.css", 200), ("/health", 200),
    ("/", 404), (PATH + "/nothing", 303), (PATH + "/static/nothing.css", 404), (PATH + "/crash", 500),
])
def test_every_answer_has_the_headers(crashing: FlaskClient, path: str, status: int) -> None:
    answer = crashing.get(path, buffered=True)
    assert answer.status_code == status
    assert {name: answer.headers.getlist(name) for name in guard.HEADERS} == {
        name: [value] for name, value in guard.HEADERS.items()}


def test_the_policy_allows_our_own_files_and_nothing_inline() -> None:
    policy = dict(part.split(" ", 1) for part in guard.HEADERS["Content-Security-Policy"].split("; "))
    assert policy.pop("default-src") == "'none'"
    assert {name for name, value in policy.items() if value == "'none'"} == {"base-uri", "frame-ancestors"}
    assert set(policy.values()) == {"'none'", "'self'"}


def test_types_are_not_guessed_and_no_other_site_learns_the_address() -> None:
    assert guard.HEADERS["X-Content-Type-Options"] == "nosniff"
    assert guard.HEADERS["Referrer-Policy"] == "same-origin"
    assert guard.HEADERS["Cache-Control"] == "no-store"


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Forwarded-Prefix", "Forwarded"])
def test_no_answer_depends_on_the_host_that_a_client_names(client: FlaskClient, header: str) -> None:
    for path in ("/", PATH, PATH + "/", "/" + PATH + "//", PATH + "//", PATH + "/nothing"):
        usual, hostile = client.get(path), client.get(path, headers={header: HOSTILE})
        assert (hostile.status_code, hostile.data) == (usual.status_code, usual.data)
        assert HOSTILE not in str(hostile.headers)


@pytest.mark.parametrize("host", ["", "a b", "[", "a/b", "x" * 300])
def test_a_malformed_host_makes_no_fault(client: FlaskClient, host: str) -> None:
    assert client.get(PATH + "/", headers={"Host": host}).status_code < 500


def test_the_local_token_opens_everything_to_local_programs_and_nothing_through_caddy(app: Flask) -> None:
    app.add_url_rule(f"{PATH}/things", view_func=Things.as_view("things"))
    assert app.test_client().get(f"{PATH}/things", headers=OURS).status_code == 200
    through = through_caddy.client(app, "127.0.0.1")
    assert through.get(f"{PATH}/things", headers=OURS).status_code == 401
    wrong = {"Authorization": f"Bearer {local.token('another key of thirty-two letters')}"}
    assert app.test_client().get(f"{PATH}/things", headers=wrong).status_code == 401


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
