"""Updates of the real server: a good one, three bad ones that it takes back by itself, and runs that are killed."""

import json
import random
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.client import all_clients
from tests.e2e.deployment import SERVICES, Server, healthy, ids, inspect
from tests.e2e.killing import LONG_KILLS, Kill, kill
from tests.e2e.outside import Outside
from tests.e2e.test_protocols import VICTIMS, fetch_each
from tests.e2e.test_sessions import Downloads

pytestmark = pytest.mark.integration

BACK_SECONDS = 120
"""From when a bad service takes the place of a good one until the good one is back: the bound that is asked for."""

WHOLE_SECONDS = 60
"""What an update takes at least."""

NEVER_HEALTHY = """\
package main

import "time"

func init() {
	time.Sleep(24 * time.Hour)
}
"""
_CRASHES_LATER = ("admin/serve.py", "    for work in background:\n        work.start()\n", """\
    for work in background:
        work.start()
    import os
    threading.Timer(30, os._exit, [1]).start()
""")
_BROKEN_SCHEMA = '''"""Take away what the code needs."""

from alembic import op

revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    """Change the tables."""
    op.drop_column('users', 'note')
'''


class Upstream:
    """The repository that the server's checkout is a clone of, and where versions are published."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._work, bare = folder / "work", folder / "origin.git"
        self._server = server
        git(server.folder, "init", "--quiet", "--initial-branch", "main")
        git(server.folder, "add", "--all", "--", ".", ":(exclude).venv", ":(exclude).toolchain")
        git(server.folder, "commit", "--quiet", "--message", "begin")
        git(folder, "clone", "--quiet", "--bare", str(server.folder), str(bare))
        git(folder, "clone", "--quiet", str(bare), str(self._work))
        git(server.folder, "remote", "add", "origin", str(bare))
        git(server.folder, "fetch", "--quiet")
        git(server.folder, "branch", "--quiet", "--set-upstream-to", "origin/main")

    def publish(self, change: Callable[[Path], object]) -> str:
        """Publish a version, made from what the server has checked out; return its commit."""
        git(self._work, "fetch", "--quiet", str(self._server.folder), "HEAD")
        git(self._work, "reset", "--quiet", "--hard", "FETCH_HEAD")
        change(self._work)
        git(self._work, "add", "--all")
        git(self._work, "commit", "--quiet", "--message", "next")
        git(self._work, "push", "--quiet", "--force", "origin", "HEAD:main")
        return git(self._work, "rev-parse", "HEAD")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-c", "user.name=e2e", "-c", "user.email=e2e@stealth.test", *words], cwd=folder,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def replaced(name: str, old: str, new: str) -> Callable[[Path], object]:
    """Make a change that puts a text in the place of another one."""
    def change(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new))
    return change


def added(name: str, text: str) -> Callable[[Path], object]:
    """Make a change that adds a text at the end of a file, which may be new."""
    def change(root: Path) -> None:
        before = (root / name).read_text() if (root / name).exists() else ""
        (root / name).write_text(before + text)
    return change


@pytest.fixture(scope="module")
def upstream(server: Server, beyond: Outside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    server.configure(backupTarget=str(tmp_path_factory.mktemp("backups") / "repository"))
    made = Upstream(server, tmp_path_factory.mktemp("upstream"))
    server.up()
    assert server.ops("users", "add", "alice").returncode == 0
    yield made
    server.ops("update", "--continue")
    git(server.folder, "reset", "--quiet", "--hard", git(server.folder, "rev-list", "--max-parents=0", "HEAD"))
    (server.folder / ".git").rename(tmp_path_factory.mktemp("gone") / "git")
    server.standing = None


def users(server: Server) -> set[str]:
    done = server.ops("users", "--json", "list")
    assert done.returncode == 0, done.stdout
    return set(re.findall(r'"name": "(\w+)"', done.stdout))


def told(server: Server, *until: str) -> tuple[subprocess.Popen[str], str]:
    """Start an update, and return when it has said that."""
    process = server.start("python", "-m", "ops", "update")
    assert process.stdout
    lines = ""
    for line in process.stdout:
        lines += line
        if any(word in line for word in until):
            return process, lines
    raise AssertionError(lines)


def assert_as_before(server: Server, commit: str, before: dict[str, str], changed: str) -> None:
    """Check that the former version runs, whole, and that no container but the bad one's was touched."""
    assert server.outputs()["version"] == git(server.folder, "rev-parse", "HEAD") == commit
    assert {name for name in SERVICES if ids()[name] != before[name]} == {changed}
    assert healthy() == set(SERVICES)
    assert "alice" in users(server)
    unchanged = server.pulumi("preview", "--diff", "--expect-no-changes")
    assert unchanged.returncode == 0, unchanged.stdout
    assert server.ops("status").returncode == 0


def test_a_good_update_replaces_what_changed_and_can_be_taken_back(server: Server, upstream: Upstream) -> None:
    origin, before = git(server.folder, "rev-parse", "HEAD"), ids()
    former = inspect("trojan")["Image"]
    goal = upstream.publish(added("images/trojan/Dockerfile", "LABEL next=1\n"))
    done = server.run("make", "update")
    assert done.returncode == 0, done.stdout
    assert "Backed up e2e" in done.stdout
    assert "The first user's link answers with 8 protocols." in done.stdout
    assert "Replaced: trojan. " in done.stdout
    assert {name for name in SERVICES if ids()[name] != before[name]} == {"trojan"}
    assert server.outputs()["version"] == goal
    assert "nothing newer" in server.run("./scripts/update-system.sh", "update").stdout
    older = server.ops("update", "--to", origin)
    assert older.returncode == 1
    assert "is older than" in older.stdout
    assert server.ops("cleanup", "--yes", "--keep-cache").returncode == 0
    back = server.run("./scripts/update-system.sh", "rollback")
    assert back.returncode == 0, back.stdout
    assert "is being built" not in back.stdout
    assert inspect("trojan")["Image"] == former
    assert_as_before(server, origin, before, "trojan")


@pytest.mark.parametrize(("change", "service"), [
    # Each takes three minutes, so that the usual run has only the one that passes most of the gates.
    pytest.param(added("images/trojan/asleep.go", NEVER_HEALTHY), "trojan", marks=pytest.mark.long),
    (replaced(*_CRASHES_LATER), "admin"),
    pytest.param(added("admin/panel/store/migrations/versions/0002_broken.py", _BROKEN_SCHEMA), "admin",
                 marks=pytest.mark.long)],
    ids=["never healthy", "crashes after 30 s", "broken schema"])
def test_a_bad_update_is_taken_back_by_itself_and_the_others_connections_stay(
    server: Server, upstream: Upstream, origin: str, beyond: Outside, change: Callable[[Path], object], service: str,
) -> None:
    commit, before = git(server.folder, "rev-parse", "HEAD"), ids()
    upstream.publish(change)
    with all_clients(server) as clients:
        fetch_each(clients, beyond.url)
        others = {name: made for name, made in clients.items() if name not in VICTIMS.get(service, ())}
        process, said = told(server, f"Replacing {service}")
        began = time.monotonic()
        running = Downloads(others, origin, seconds=BACK_SECONDS)
        rest, _ = process.communicate(timeout=600)
        took = time.monotonic() - began
        assert process.returncode == 1, said + rest
        assert "was taken back" in rest
        assert "is being built" not in rest.split("Going back to ")[1]
        assert took < BACK_SECONDS, said + rest
        assert running.are_on()
        assert_as_before(server, commit, before, service)
        assert running.faults() == {}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(LONG_KILLS))
def test_an_update_that_was_killed_at_any_moment_is_gone_on_with_by_one_command(
    server: Server, upstream: Upstream, seed: int,
) -> None:
    chosen = Kill.of(random.Random(f"update {seed}"), 1)
    # A Pulumi that was killed alone is a step that fails: the update itself takes it back.
    chosen = replace(chosen, victim="everything") if chosen.victim == "pulumi" else chosen
    commit = git(server.folder, "rev-parse", "HEAD")
    goal = upstream.publish(added("images/trojan/Dockerfile", f"LABEL kill={seed}\n"))
    assert kill(server.start("python", "-m", "ops", "update"), chosen, WHOLE_SECONDS)
    status = json.loads(server.ops("status", "--json").stdout)
    begun = any("Run `ops update --continue`." in fault for fault in status["faults"])
    print(f"killed: {chosen}; {'begun' if begun else 'nothing had begun'}")
    if begun:
        refused = server.ops("up")
        assert refused.returncode == 1
        assert "ops update --continue" in refused.stdout
    done = server.ops("update", "--continue")
    assert done.returncode == (0 if begun else 1), done.stdout
    assert server.outputs()["version"] == git(server.folder, "rev-parse", "HEAD") == (goal if begun else commit)
    assert healthy() == set(SERVICES)
    assert "alice" in users(server)
    assert "No changes" in server.up()
