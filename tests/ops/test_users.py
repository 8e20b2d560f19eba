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
        self.calls.append((method, path, json.loads(stdin) if stdin and path.partition("?")[0] != "/import" else stdin))
        status, body = self.answers.get(f"{method} {path}", (200, ALICE))
        return subprocess.CompletedProcess(command, 0, json.dumps(
            {"status": status, "text": body if isinstance(body, str) else json.dumps(body)}), "")


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
    pages = {1: [dict(ALICE, name=f"user{number}") for number in range(200)], 2: [ALICE]}
    for page, found in pages.items():
        panel.answers[f"GET /users?page={page}&search=&page_size=200"] = (200, {"users": found, "total": 201})
    done = ops("users", "list")
    assert len(done.output.splitlines()) == 202
    assert "alice" in done.output
    assert len(json.loads(ops("users", "--json", "list").output)) == 201


def test_an_empty_list_says_how_to_add(panel: FakePanel) -> None:
    panel.answers["GET /users?page=1&search=&page_size=200"] = (200, {"users": [], "total": 0})
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
    file.touch(mode=0o644)
    panel.answers["POST /export?format=csv"] = (200, "name,note\r\nalice,\r\n")
    assert ops("users", "export", "--format", "csv", "--file", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o077 == 0
    assert file.read_bytes() == b"name,note\r\nalice,\r\n"


def test_an_import_sends_the_file_as_it_is_and_reports_what_would_be(panel: FakePanel, tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    file.write_text('\ufeff\n{"users":\r\n []}')
    panel.answers["POST /import?dry_run=True&on_clash=skip"] = (
        200, {"created": 3, "replaced": 0, "skipped": 1, "lacks": ["zoe has no WireGuard."]})
    done = ops("users", "import", str(file), "--dry-run", "--on-clash", "skip")
    assert done.output == "3 users would be new, 0 would be replaced, 1 would be skipped.\nzoe has no WireGuard.\n"
    assert panel.calls[-1][2] == '\ufeff\n{"users":\r\n []}'


def test_the_faults_of_a_file_are_a_line_each_up_to_a_screenful(panel: FakePanel, tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    file.write_text("[]")
    faults = [{"line": 3, "name": "", "field": "", "sentence": "The file is no JSON."}, *(
        {"line": line, "name": "bob", "field": "name", "sentence": "Taken."} for line in range(4, 30))]
    panel.answers["POST /import?dry_run=False&on_clash=refuse"] = (422, {"message": "Nothing.", "faults": faults})
    done = ops("users", "import", str(file))
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert lines[:3] == ["Error: Nothing.", "  line 3: The file is no JSON.", "  line 4: bob: Taken."]
    assert (len(lines), lines[-1]) == (22, "  and 7 more")
    faults.append({"line": 30, "name": "", "field": "", "sentence": "There are 9 faults more."})
    lines = ops("users", "import", str(file)).output.splitlines()
    assert (len(lines), lines[-2:]) == (23, ["  and 7 more", "  line 30: There are 9 faults more."])


@pytest.mark.parametrize(("content", "fault"), [
    (b"\xff\xfe[\x00", "is no text in UTF-8"), (b"", "is empty"), (b" " * (20 * 2**20 + 1), "larger than 21.0 MB")])
def test_a_file_that_cannot_be_one_never_reaches_the_panel(
    panel: FakePanel, tmp_path: Path, content: bytes, fault: str,
) -> None:
    file = tmp_path / "users.json"
    file.write_bytes(content)
    done = ops("users", "import", str(file))
    assert (done.exit_code, panel.calls) == (2, [])
    assert fault in done.output


def test_a_panel_that_is_down_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "execute", lambda *_, **__: subprocess.CompletedProcess(
        (), 1, "", "Error response from daemon: No such container: stealth-admin"))
    done = ops("users", "list")
    assert done.exit_code == 1
    assert "No such container: stealth-admin. Run `make up`" in done.output
