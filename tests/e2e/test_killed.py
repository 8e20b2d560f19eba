"""A command that was ended by force at any moment is finished by the same command, and nothing is lost."""

import random
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.belongings import had
from tests.e2e.deployment import SERVICES, Server, clean, healthy
from tests.e2e.killing import Kill, kill, rounds

pytestmark = [pytest.mark.integration, pytest.mark.long]


def timed(server: Server, *words: str) -> float:
    began = time.monotonic()
    done = server.ops(*words)
    assert done.returncode == 0, done.stdout
    return time.monotonic() - began


def killed_and_repeated(
    server: Server, words: Callable[[], tuple[str, ...]], chance: random.Random, whole_seconds: float,
    often_before: float = 1,
) -> None:
    """Kill a command, whose words are those that `words` returns when all is ready for it, and repeat it."""
    chosen = Kill.of(chance, often_before)
    while True:
        said = words()
        if kill(server.start("python", "-m", "ops", *said), chosen, whole_seconds):
            break
        print(f"{' '.join(said)} was over before {chosen} of {whole_seconds:.0f} s")
        whole_seconds /= 2
    print(f"{' '.join(said)} was killed: {chosen} of {whole_seconds:.0f} s")
    done = server.ops(*said)
    print(done.stdout)
    assert done.returncode == 0
    assert healthy() == set(SERVICES)
    empty = server.pulumi("preview", "--expect-no-changes")
    assert empty.returncode == 0, empty.stdout


@pytest.fixture(scope="module")
def owned(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A server with users, what is had of it, a backup of it, and how long its deploy takes undisturbed."""
    place = str(tmp_path_factory.mktemp("backups") / "repository")
    server.configure(backupTarget=place)
    server.up()
    server.ops("users", "add", "alice", "--quota", "50GB")
    snapshot = re.search(r"^Backed up e2e as (\w{8}) to ", server.ops("backup").stdout, re.M)
    assert snapshot
    found = had(server)
    assert server.ops("down").returncode == 0
    yield {"had": found, "place": place, "snapshot": snapshot[1], "key": server.folder / ".backup-key",
           "seconds": timed(server, "up")}
    server.standing = None


@pytest.mark.parametrize("seed", rounds())
def test_a_deploy_killed_at_any_moment_is_finished_by_the_same_command(
    server: Server, owned: dict[str, Any], seed: int,
) -> None:
    chance = random.Random(f"deploy {seed}")

    def begin() -> tuple[str, ...]:
        if seed % 2:
            assert server.ops("down").returncode == 0
        else:
            # All six are replaced. The policies allow 1024 MB in three files.
            server.configure(backupTarget=owned["place"], logMaxSize=f"{chance.randrange(11, 341)}m")
        return ("up",)

    killed_and_repeated(server, begin, chance, owned["seconds"])
    assert had(server) == owned["had"]


@pytest.fixture
def fresh(server: Server, owned: dict[str, Any], tmp_path: Path) -> Server:
    """A new checkout with the copy of the key."""
    made = Server(tmp_path)
    shutil.copy(owned["key"], tmp_path / ".backup-key")
    return made


@pytest.mark.parametrize("seed", rounds())
def test_a_restore_killed_at_any_moment_is_finished_by_the_same_command(
    fresh: Server, owned: dict[str, Any], seed: int,
) -> None:
    # Not the latest: what is replaced is backed up first, into the same place.
    backup = f"{owned['place']}@{owned['snapshot']}"

    def begin() -> tuple[str, ...]:
        clean()
        shutil.rmtree(fresh.folder / ".pulumi", ignore_errors=True)
        if seed % 2 == 0:
            return ("restore", backup)
        # In the place of a server that has gone on since.
        assert fresh.ops("restore", backup).returncode == 0
        assert fresh.ops("users", "add", "after").returncode == 0
        return ("restore", backup, "--replace")

    # It puts everything in place in the first part of its time.
    killed_and_repeated(fresh, begin, random.Random(f"restore {seed}"), 1.3 * owned["seconds"], often_before=0.25)
    assert had(fresh) == owned["had"]
    clean()
