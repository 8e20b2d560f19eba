"""The commands for people, on a server that runs: by make, by `ops`, and by the program in the panel's container."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops import subscription
from ops.docker import Engine
from ops.panel import Panel
from tests.e2e.containers import call_text
from tests.e2e.deployment import ENGINE_ADDRESS, Server, address, docker, inspect
from tests.e2e.panel_api import panel_api

pytestmark = pytest.mark.integration

Run = Callable[..., str]
FIND = """
import glob, sys
store = b"".join(open(name, "rb").read() for name in glob.glob("/var/lib/admin/*"))
print([word for word in sys.stdin.read().split() if word.encode() in store])
"""


@pytest.fixture
def run(deployed: Server) -> Iterator[Run]:
    """Runs a command to its end, which must be the given one, and returns what it says."""
    def to_the_end(*words: str, code: int = 0) -> str:
        done = deployed.run(*words)
        assert done.returncode == code, done.stdout
        return done.stdout
    standing = deployed.standing
    yield to_the_end
    with panel_api(deployed) as panel:
        panel.remove([number for number in panel.ids().values() if number != 1])
    # Users and accounts are nothing of the deployment: the next test finds the server as it stands.
    deployed.standing = standing


@pytest.fixture
def ops(run: Run) -> Run:
    return lambda *words, code=0: run("python", "-m", "ops", *words, code=code)


def test_a_user_comes_and_goes_by_make(run: Run, deployed: Server) -> None:
    url = re.findall(r"https://www\.stealth\.test/\S+", run("make", "add-user", "USER=alice"))[0]
    authority = deployed.outputs()["authorityCertificate"]
    assert subscription.links(url, address("caddy"), authority).keys() == deployed.links().keys()
    assert re.search(r"^alice +active ", run("make", "list-users"), re.M)
    assert "a user named alice already" in run("make", "add-user", "USER=ALICE", code=2)
    assert "alice is removed" in run("make", "remove-user", "USER=alice")
    assert "alice" not in run("make", "list-users")


@pytest.mark.parametrize("many", [2_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_many_users_come_by_a_file_leave_by_another_and_go_at_once(
    ops: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], many: int,
) -> None:
    file, exported = tmp_path / "users.json", tmp_path / "exported.json"
    file.write_text(json.dumps([{"name": f"guest {number}", "limit": "1GB"} for number in range(many)]))
    began = time.monotonic()
    assert f"{many} users are new" in ops("users", "import", str(file))
    between = time.monotonic()
    ops("users", "export", "--file", str(exported))
    ended = time.monotonic()
    with capsys.disabled():
        print(f"\n{many:,} users: imported in {between - began:.1f} s, exported in {ended - between:.1f} s.")
    told = json.loads(exported.read_text())["users"]
    assert sum(user["name"].startswith("guest ") for user in told) == many
    assert all(user["secrets"] for user in told)
    assert len(json.loads(ops("users", "--json", "list", "--search", "guest"))) == many
    lines = ops("users", "import", str(exported), code=1).splitlines()
    assert lines[1].startswith("  line 2: first: ")
    assert lines[-2] == "  and 980 more"
    assert f"There are {len(told) - 1000} faults more" in lines[-1]
    before = inspect("admin")["State"]["StartedAt"]
    assert f"{len(told)} are replaced" in ops("users", "import", str(exported), "--on-clash", "replace")
    assert inspect("admin")["State"]["StartedAt"] == before, "the panel ran out of memory"
    peak = re.findall(r"VmHWM:\s+(\d+) kB", docker("exec", "stealth-admin", "cat", "/proc/1/status"))[0]
    with capsys.disabled():
        print(f"Its own export of {exported.stat().st_size >> 20} MiB imported again; the panel held "
              f"{int(peak) >> 10} MiB at most, of {inspect('admin')['HostConfig']['Memory'] >> 20}.")
    ids = [user["id"] for user in json.loads(ops("users", "--json", "list", "--search", "guest"))]
    panel = Panel(Engine(ENGINE_ADDRESS))
    assert panel.call("POST", "/users/bulk", {"ids": ids, "action": "delete"}) == {"changed": many}
    assert "guest" not in ops("users", "list")


def test_accounts_and_tokens_come_and_go_and_no_password_stays_behind(ops: Run, deployed: Server) -> None:
    given = re.findall(r"signs in once with: (\S+)", ops("accounts", "add", "ann", "--role", "operator"))[0]
    again = re.findall(r"signs in once with: (\S+)", ops("accounts", "reset", "ann"))[0]
    token = ops("accounts", "token", "ann", "--name", "backup", "--scope", "users:read").strip()
    assert re.search(r"^ann +operator +new ", ops("accounts", "list"), re.M)
    assert "No owner would be left" in ops("accounts", "disable", "admin", code=1)
    said = docker("logs", "stealth-admin") + deployed.pulumi("stack", "export").stdout
    assert [word for word in (given, again, token) if word in said] == []
    assert inside("-c", FIND, text=f"{given} {again} {token} admin") == "['admin']\n"
    ops("accounts", "delete", "--yes", "ann")


def inside(*words: str, text: str) -> str:
    """Run Python in the panel's container."""
    done = call_text("exec", "--interactive", "stealth-admin", "/usr/bin/python3", "-I", "-S", *words, stdin=text)
    assert done.returncode == 0, done.stderr
    return done.stdout
