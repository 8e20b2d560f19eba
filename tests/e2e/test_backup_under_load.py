"""Backups of a server that is written to all the time, each restored by one command on another machine."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ops.docker import Engine
from ops.panel import Panel
from tests.e2e.deployment import ENGINE_ADDRESS, SERVICES, STACK, Server, clean
from tests.e2e.panel_api import PanelApi, panel_api
from tests.e2e.second import Machine, machine

pytestmark = pytest.mark.integration

WRITES_PER_SECOND = 50
"""At most; a slow machine takes fewer, and each run prints how many it took."""

RESTORE_SECONDS = 600
WRITERS = 4
_FIRST_QUOTA = 10**12


@dataclass
class Written:
    """What was written to a server: each change gives a user a quota that no other change gives."""

    sent: int = 0
    acknowledged: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, began: float) -> int:
        """Return the next number when its time has come."""
        with self.lock:
            self.sent += 1
            number = self.sent
        time.sleep(max(0.0, began + number / WRITES_PER_SECOND - time.monotonic()))
        return number

    def done(self) -> None:
        """Count one that was answered."""
        with self.lock:
            self.acknowledged += 1


@contextmanager
def writing(server: Server) -> Iterator[Written]:
    """Change users up to 50 times a second for as long as the block lasts; each writer has a user of its own."""
    written, stop = Written(), threading.Event()

    def write(api: PanelApi, user: int, began: float) -> None:
        while not stop.is_set():
            number = written.next(began)
            api.call("PATCH", f"/users/{user}", {"quota_bytes": _FIRST_QUOTA + number})
            written.done()

    with ExitStack() as stack, ThreadPoolExecutor(WRITERS) as pool:
        apis = [stack.enter_context(panel_api(server)) for _ in range(WRITERS)]
        users = [api.add(f"writer{number}")[0] for number, api in enumerate(apis)]
        began = time.monotonic()
        running = [pool.submit(write, api, user, began) for api, user in zip(apis, users, strict=True)]
        try:
            yield written
        finally:
            stop.set()
            for future in running:
                future.result()
        print(f"{written.acknowledged / (time.monotonic() - began):.0f} writes per second")


def audit_log(engine: Engine) -> list[dict[str, Any]]:
    """Return all entries, the oldest first."""
    found: list[dict[str, Any]] = []
    panel, page = Panel(engine), 1
    while len(found) < (answer := panel.call("GET", "/audit", page=page, page_size=200))["total"]:
        found += answer["entries"]
        page += 1
    return found[::-1]


def users(engine: Engine) -> dict[str, dict[str, Any]]:
    """Return all users with their secrets, by name as the audit log has it."""
    exported = json.loads(Panel(engine).send("POST", "/export", "{}", format="json"))["users"]
    return {user["name"]: user for user in exported}


def quotas(entries: list[dict[str, Any]]) -> dict[str, int]:
    """Return the last quota that each writer's user was given, by the audit log."""
    return {entry["target"].partition(" ")[0]: entry["detail"]["quota_bytes"][1] for entry in entries
            if entry["action"] == "user.edit" and entry["target"].startswith("writer")}


@dataclass(frozen=True, kw_only=True)
class Backup:
    """One backup, and which changes it must hold at least and at most."""

    snapshot: str
    least: int
    most: int


@dataclass(frozen=True, kw_only=True)
class Original:
    """The server that the backups are of, as it was in the end; it is no more."""

    place: str
    key: str
    backups: list[Backup]
    entries: list[dict[str, Any]]
    users: dict[str, dict[str, Any]]
    outputs: dict[str, Any]


def back_up(server: Server, written: Written) -> Backup:
    """Make a backup beside the writers."""
    least = written.acknowledged
    done = server.ops("backup")
    assert done.returncode == 0, done.stdout
    snapshot = re.search(r"^Backed up e2e as (\w{8}) to ", done.stdout, re.M)
    assert snapshot
    return Backup(snapshot=snapshot[1], least=least, most=written.sent)


@pytest.fixture(scope="module")
def original(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Original]]:
    """Make so many backups of a server that is written to, and lose it."""
    place = str(tmp_path_factory.mktemp("backups") / "repository")

    def make(count: int) -> Original:
        server.configure(backupTarget=place, backupKeep="")
        server.up()
        with writing(server) as written:
            backups = [back_up(server, written) for _ in range(count)]
        engine = Engine(ENGINE_ADDRESS)
        made = Original(place=place, key=(server.folder / ".backup-key").read_text(), backups=backups,
                        entries=audit_log(engine), users=users(engine), outputs=server.outputs())
        clean()
        return made

    yield make
    server.standing = None


def restore(found: Original, backup: Backup, elsewhere: Machine, folder: Path) -> Server:
    """Put a backup back on the other machine, which has a fresh checkout and the key, by one command."""
    elsewhere.clean()
    server = Server(folder, elsewhere.through(folder))
    (folder / ".backup-key").write_text(found.key)
    (folder / ".backup-key").chmod(0o600)
    began = time.monotonic()
    done = server.run("make", "restore", f"FILE={found.place}@{backup.snapshot}")
    took = time.monotonic() - began
    assert done.returncode == 0, done.stdout
    print(f"{backup} restored in {took:.0f} s")
    assert took < RESTORE_SECONDS
    return server


def assert_one_moment(found: Original, backup: Backup, engine: Engine) -> None:
    """Compare what was put back with the one moment of the original that its own audit log ends with."""
    entries, restored = audit_log(engine), users(engine)
    until = next(number for number, entry in enumerate(entries) if entry["action"] == "store.restore")
    assert entries[:until] == found.entries[:until]
    assert Panel(engine).call("GET", "/audit/verification")["broken_at"] is None
    changes = [entry for entry in entries[:until] if entry["action"] == "user.edit"]
    assert backup.least <= len(changes) <= backup.most
    assert backup.most - backup.least > 2 * WRITERS, "it was written to meanwhile"
    assert quotas(entries[:until]) == {name: user["quota_bytes"] for name, user in restored.items()
                                       if name.startswith("writer")}
    assert {name: user["secrets"] for name, user in restored.items()} == {
        name: user["secrets"] for name, user in found.users.items()}


@pytest.mark.long
@pytest.mark.parametrize(("backups", "restores"), [(2, 1), (20, 20)])
def test_a_backup_of_a_server_that_is_written_to_is_one_moment_of_it(
    original: Callable[[int], Original], tmp_path_factory: pytest.TempPathFactory, backups: int, restores: int,
) -> None:
    found = original(backups)
    # After the deploy, which may have built images.
    with machine(tmp_path_factory.mktemp("elsewhere")) as elsewhere:
        for backup in found.backups[-restores:]:
            restored = restore(found, backup, elsewhere, tmp_path_factory.mktemp("restored"))
            services = elsewhere.engine.services(STACK)
            assert [service.health for service in services] == ["healthy"] * len(SERVICES)
            assert_one_moment(found, backup, elsewhere.engine)
            assert restored.outputs() == found.outputs
