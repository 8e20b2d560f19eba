"""The commands with the panel itself behind them, by the program of its container."""

import io
import json
import re
import subprocess
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

import call
from ops.cli import main
from ops.docker import Engine
from panel.accounts import tokens
from panel.store.database import Database
from tests.admin import people
from tests.admin.people import browser


@pytest.fixture(autouse=True)
def container(served_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the container's program run here."""
    def execute(_: Engine, __: str, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as here, redirect_stdout(io.StringIO()) as printed:
            here.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            code = call.main([*command[-2:], str(served_file)])
        return subprocess.CompletedProcess(command, code, printed.getvalue(), "")
    monkeypatch.setattr(Engine, "execute", execute)


def ops(*words: str, fails: bool = False) -> str:
    done = CliRunner().invoke(main, list(words))
    assert (done.exit_code != 0) == fails, done.output
    return done.output


def test_users_come_are_listed_and_go() -> None:
    assert "https://www.example.com/" in ops("users", "add", "alice", "--quota", "50GB", "--period", "month")
    assert "50.0 GB" in ops("users", "list")
    ops("users", "disable", "alice")
    assert json.loads(ops("users", "--json", "list", "--status", "disabled"))[0]["name"] == "alice"
    ops("users", "delete", "--yes", "alice")
    assert "no user alice" in ops("users", "show", "alice", fails=True)


def test_an_export_goes_into_a_file_and_back_with_every_fault_at_its_line(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    ops("users", "add", "علی")
    ops("users", "add", "bob")
    ops("users", "export", "--file", str(file))
    lines = ops("users", "import", str(file), fails=True).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["Error", "  line 2", "  line 3"]
    ops("users", "delete", "--yes", "علی")
    assert "1 users would be new" in ops("users", "import", str(file), "--dry-run", "--on-clash", "skip")
    assert "1 users are new, 0 are replaced, 1 are skipped" in ops("users", "import", str(file), "--on-clash", "skip")
    assert ops("users", "export", "--format", "csv").splitlines()[1].startswith("bob,")


def test_an_account_comes_with_a_password_for_one_sign_in_changes_and_goes(app: Flask, database: Database) -> None:
    people.add(database, "admin")
    given = re.findall(r"signs in once with: (\S+)", ops("accounts", "add", "ann", "--role", "reader"))[0]
    ann = browser(app)
    ann.sign_in("ann", given)
    assert ann.get("/account/password").status_code == 200
    assert given not in ops("accounts", "list")
    assert re.search(r"ann +reader +new", ops("accounts", "list"))
    assert "operator" in ops("accounts", "role", "ann", "operator")
    again = re.findall(r"signs in once with: (\S+)", ops("accounts", "reset", "ANN"))[0]
    assert ann.get("/account/password").status_code == 303, "a session outlived the reset"
    assert browser(app).sign_in("ann", given).status_code == 403
    ops("accounts", "disable", "ann")
    assert browser(app).sign_in("ann", again).status_code == 403
    ops("accounts", "enable", "ann")
    ops("accounts", "delete", "--yes", "ann")
    assert "there is no account ann" in ops("accounts", "reset", "ann", fails=True)
    assert "No owner would be left" in ops("accounts", "delete", "--yes", "admin", fails=True)


def test_an_owner_who_has_lost_everything_gets_in_by_a_reset(app: Flask, database: Database) -> None:
    people.add(database, "admin", totp_secret="A" * 32, recovery_hashes=["x"], must_change_password=True,
               password_expires_at=datetime.now(UTC) - timedelta(days=1), is_disabled=True)
    assert browser(app).sign_in("admin").status_code == 403
    name = ops("accounts", "list").splitlines()[1].split()[0]
    given = re.findall(r"signs in once with: (\S+)", ops("accounts", "reset", name))[0]
    owner = browser(app)
    owner.sign_in(name, given)
    chosen = {"password": given, "new_password": people.PASSWORD, "repeated": people.PASSWORD}
    assert owner.post("/account/password", chosen).status_code == 303
    assert owner.get("/accounts").status_code == 200


def test_a_token_is_shown_once_and_can_be_revoked(database: Database) -> None:
    people.add(database, "ann", "reader")
    refused = ops("accounts", "token", "ann", "--name", "backup", "--scope", "users:write", fails=True)
    assert "one that the account cannot give" in refused
    made = ops("accounts", "token", "ann", "--name", "backup", "--scope", "users:read", "--days", "1").strip()
    assert tokens.identify(database, made, "")
    listed = ops("accounts", "tokens", "ann")
    assert made not in listed
    ops("accounts", "revoke", "ann", listed.split()[0])
    assert tokens.identify(database, made, "") is None
    assert ops("accounts", "tokens", "ann") == "ann has no tokens.\n"
