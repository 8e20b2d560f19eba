"""The panel as people and attackers meet it: through Caddy, on the public port."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from panel.protocols import ENGINES
from tests.e2e.deployment import Server, docker
from tests.e2e.test_traffic import visit

pytestmark = pytest.mark.integration

HOST = "www.stealth.test"
ORIGIN = ("--header", f"Origin: https://{HOST}")
CHOSEN = "seven green umbrellas under one roof"
PRINT_LOCAL = """
import hashlib, hmac, json
key = json.load(open("/etc/stealth/panel.json"))["sessionKey"]
print("local." + hmac.new(key.encode(), b"local", hashlib.sha256).hexdigest())
"""

Visit = Callable[..., str]


@pytest.fixture
def panel(deployed: Server, tmp_path: Path) -> Visit:
    """A browser: takes a path below the panel's own and curl's words, keeps cookies, and returns head and body."""
    outputs, jar = deployed.outputs(), str(tmp_path / "cookies")
    below = outputs["panelUrl"].removeprefix(f"https://{HOST}").rstrip("/")

    def ask(path: str, *words: str, keeps: str = jar) -> str:
        return visit(HOST, outputs["authorityCertificate"], tmp_path, "--include", "--cookie", keeps, "--cookie-jar",
                     keeps, *words, path=below + path).decode()
    return ask


def field(page: str) -> tuple[str, str]:
    token = re.findall(r'name="csrf_token" type="hidden" value="([^"]+)"', page)[0]
    return "--data-urlencode", f"csrf_token={token}"


def form(**fields: str) -> tuple[str, ...]:
    return tuple(word for name, value in fields.items() for word in ("--data-urlencode", f"{name}={value}"))


def test_the_first_password_opens_the_panel_once_and_is_changed_there(
    deployed: Server, panel: Visit, tmp_path: Path,
) -> None:
    given = deployed.outputs()["panelPassword"]
    assert "/login" in re.findall(r"(?i)location: (\S+)", panel("/"))[0]
    page = panel("/login")
    assert "__Host-session=" in page
    assert " 400" in panel("/login", *field(page), *form(username="admin", password=given)).partition("\n")[0]
    entered = panel("/login", *ORIGIN, *field(page), *form(username="admin", password=given))
    assert " 303" in entered.partition("\n")[0]
    assert "/account/password" in re.findall(r"(?i)location: (\S+)", panel("/"))[0]
    page = panel("/account/password")
    changed = panel("/account/password", *ORIGIN, *field(page), *form(
        password=given, new_password=CHOSEN, repeated=CHOSEN))
    assert " 303" in changed.partition("\n")[0], changed
    page = panel("/account")
    assert " 200" in page.partition("\n")[0]
    stolen = tmp_path / "stolen"
    stolen.write_bytes((tmp_path / "cookies").read_bytes())
    assert " 200" in panel("/account", keeps=str(stolen)).partition("\n")[0]
    assert " 303" in panel("/logout", *ORIGIN, *field(page)).partition("\n")[0]
    assert " 303" in panel("/account", keeps=str(stolen)).partition("\n")[0], "a session outlived its sign-out"
    page = panel("/login")
    assert " 403" in panel("/login", *ORIGIN, *field(page), *form(username="admin", password=given)).partition("\n")[0]


def test_the_token_of_the_panels_own_container_opens_nothing_from_outside(panel: Visit) -> None:
    token = docker("exec", "stealth-admin", "/usr/bin/python3", "-I", "-S", "-c", PRINT_LOCAL)
    for claim in ((), ("--header", "X-Forwarded-For: 127.0.0.1"), ("--header", "X-Real-IP: 127.0.0.1")):
        answer = panel("/api/v1/users", "--header", f"Authorization: Bearer {token}", *claim)
        assert " 401" in answer.partition("\n")[0]


def test_a_program_works_with_a_token_from_outside_until_it_is_revoked(
    deployed: Server, panel: Visit, tmp_path: Path,
) -> None:
    def ops(*words: str) -> str:
        done = deployed.ops("accounts", *words)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def api(method: str, path: str, *words: str) -> tuple[str, str]:
        """Return status and everything else of an answer."""
        status, _, rest = panel(f"/api/v1{path}", "--request", method, "--header", f"@{token}", *words).partition("\n")
        return status.split()[1], rest

    token, file = tmp_path / "token", tmp_path / "users.json"
    token.write_text("Authorization: Bearer " + ops(
        "token", "admin", "--name", "outside", "--scope", "users:read", "--scope", "users:write"))
    code, made = api("POST", "/users", "--json", '{"name": "program"}')
    number, revision = (re.findall(rf'"{name}":(\d+)', made)[0] for name in ("id", "revision"))
    assert code == "201", made
    user = f"/users/{number}"
    assert api("PATCH", user, "--header", f'If-Match: "{revision}"', "--json", '{"note": "first"}')[0] == "200"
    assert api("PATCH", user, "--header", f'If-Match: "{revision}"', "--json", '{"note": "second"}')[0] == "412"
    assert api("DELETE", user)[0] == "204"
    file.write_text(json.dumps([{"name": f"guest {one}", "note": "n" * 900} for one in range(10_000)]))
    code, report = api("POST", "/import?dry_run=true", "--json", f"@{file}")
    assert (code, '"created":10000' in report) == ("200", True), report
    for path in ("/overview", "/audit", "/accounts"):
        assert api("GET", path)[0] == "403"
    assert api("POST", "/accounts", "--json", '{"username": "eve", "role": "owner"}')[0] == "403"
    ops("revoke", "admin", ops("tokens", "admin").split()[0])
    assert api("GET", "/users")[0] == "401"


def test_prometheus_reads_the_numbers_by_their_own_token(deployed: Server, panel: Visit) -> None:
    token = deployed.outputs()["metricsToken"]
    head, _, numbers = panel("/metrics", "--header", f"Authorization: Bearer {token}").partition("\r\n\r\n")
    assert " 200" in head.partition("\n")[0]
    for engine in ENGINES:
        assert f'stealth_engine_state{{engine="{engine}",state="applied"}} 1.0' in numbers
    assert " 401" in panel("/metrics").partition("\n")[0]
    assert " 401" in panel("/api/v1/users", "--header", f"Authorization: Bearer {token}").partition("\n")[0]
