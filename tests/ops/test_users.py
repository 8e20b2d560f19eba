"""The commands for people, with an engine that plays the panel."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.cli import main
from ops.docker import Engine

ALICE = {"id": 7, "name": "alice", "status": "active", "period_used_bytes": 1500, "quota_bytes": None,
         "expires_at": "2027-01-31T23:59:59+00:00", "last_seen_at": None, "is_online": False,
         "closed_protocols": ["tuic"]}
LINK = {"url": "https://www.example.com/secret/token"}


class FakePanel:
    """Answers by method and path, and remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.answers: dict[str, tuple[int, object]] = {
            "GET /users?name=alice": (200, {"users": [ALICE], "total": 1}),
            "GET /users?name=nobody": (200, {"users": [], "total": 0}),
            "GET /users/7/link": (200, LINK)}

    def execute(self, _: Engine, container: str, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        assert container == "stealth-admin"
        method, path = command[-2:]
        self.calls.append((method, path, json.loads(stdin) if stdin else None))
        status, body = self.answers.get(f"{method} {path}", (200, ALICE))
        return subprocess.CompletedProcess(command, 0, json.dumps({"status": status, "body": body}), "")


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch) -> FakePanel:
    fake = FakePanel()
    monkeypatch.setattr(Engine, "execute", lambda *words, **named: fake.execute(*words, **named))
    return fake


def ops(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_adding_sends_what_was_named_and_nothing_else(panel: FakePanel) -> None:
    done = ops("users", "add", "alice", "--quota", "50GB", "--period", "month", "--without", "tuic")
    assert done.exit_code == 0, done.output
    assert panel.calls[0] == ("POST", "/users", {
        "name": "alice", "quota_bytes": 50 * 10**9, "quota_period": "month", "closed_protocols": ["tuic"]})
    assert LINK["url"] in done.output


def test_editing_can_take_a_limit_away(panel: FakePanel) -> None:
    assert ops("users", "edit", "alice", "--quota", "none", "--expires", "never").exit_code == 0
    assert panel.calls[-1] == ("PATCH", "/users/7", {"quota_bytes": None, "expires_at": None})


def test_editing_nothing_is_an_error(panel: FakePanel) -> None:
    done = ops("users", "edit", "alice")
    assert done.exit_code == 2
    assert "nothing to change" in done.output
    assert panel.calls == []


@pytest.mark.parametrize(("command", "path"), [
    ("enable", "/enable"), ("disable", "/disable"), ("renew", "/renew-secrets"), ("revoke", "/revoke-link"),
    ("reset-usage", "/reset-usage")])
def test_an_action_is_done_to_each_named_user(panel: FakePanel, command: str, path: str) -> None:
    assert ops("users", command, "alice", "alice").exit_code == 0
    assert [call[:2] for call in panel.calls].count(("POST", f"/users/7{path}")) == 2


def test_removing_asks_first_and_checks_all_names_before_the_first(panel: FakePanel) -> None:
    assert ops("users", "delete", "alice").exit_code == 1
    assert ops("users", "delete", "--yes", "alice", "nobody").exit_code == 1
    assert [call for call in panel.calls if call[0] == "DELETE"] == []
    assert ops("users", "delete", "--yes", "alice").exit_code == 0
    assert panel.calls[-1][:2] == ("DELETE", "/users/7")


def test_a_list_of_several_pages_is_shown_whole(panel: FakePanel) -> None:
    pages = {1: [dict(ALICE, name=f"user{number}") for number in range(500)], 2: [ALICE]}
    for page, found in pages.items():
        panel.answers[f"GET /users?page={page}&search=&page_size=500"] = (200, {"users": found, "total": 501})
    done = ops("users", "list")
    assert len(done.output.splitlines()) == 502
    assert "alice" in done.output
    assert len(json.loads(ops("users", "--json", "list").output)) == 501


def test_an_empty_list_says_how_to_add(panel: FakePanel) -> None:
    panel.answers["GET /users?page=1&search=&page_size=500"] = (200, {"users": [], "total": 0})
    assert "make add-user USER=alice" in ops("users", "list").output


def test_a_refusal_is_the_panel_s_sentence(panel: FakePanel) -> None:
    panel.answers["POST /users"] = (422, {"errors": {"json": {"name": ["alice is there already; choose another."]}}})
    done = ops("users", "add", "alice")
    assert done.exit_code == 1
    assert done.output == "Error: alice is there already; choose another.\n"


def test_an_unknown_user_is_named(panel: FakePanel) -> None:
    assert "there is no user nobody" in ops("users", "show", "nobody").output


def test_an_export_is_for_its_owner_alone(panel: FakePanel, tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    panel.answers["GET /export"] = (200, {"users": []})
    assert ops("users", "export", "--file", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o077 == 0
    assert json.loads(file.read_text()) == {"users": []}


def test_an_import_reports_what_would_be(panel: FakePanel, tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    file.write_text('{"users": []}')
    panel.answers["POST /import"] = (200, {"created": 3, "replaced": 0, "skipped": 1})
    done = ops("users", "import", str(file), "--dry-run", "--on-clash", "skip")
    assert "3 users would be new" in done.output
    assert panel.calls[-1][2] == {"document": {"users": []}, "dry_run": True, "on_clash": "skip"}


def test_a_file_that_is_no_json_never_reaches_the_panel(panel: FakePanel, tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    file.write_text("{")
    assert ops("users", "import", str(file)).exit_code == 2
    assert panel.calls == []


def test_an_account_s_new_password_is_shown_once(panel: FakePanel) -> None:
    panel.answers["POST /accounts/reset"] = (200, {"password": "fresh-word"})
    assert ops("accounts", "reset", "admin").output == "admin signs in once with: fresh-word\n"


def test_a_panel_that_is_down_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "execute", lambda *_, **__: subprocess.CompletedProcess(
        (), 1, "", "Error response from daemon: No such container: stealth-admin"))
    done = ops("users", "list")
    assert done.exit_code == 1
    assert "No such container: stealth-admin. Run `make up`" in done.output
