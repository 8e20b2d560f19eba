"""A store that is damaged, emptied or gone is never taken for a new one."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from panel import PanelConfig, open_store
from panel.audit import PANEL
from panel.store.database import Database, StoreError
from panel.store.models import User
from panel.users import NewUser, service
from tests.admin import panel_file

USERS = 300
_PAGE = 4096
CASES = 12
Damage = Callable[[bytearray, random.Random], None]


def cut(content: bytearray, chance: random.Random) -> None:
    """Lose the end, as a full disk or a torn copy does."""
    del content[chance.randrange(1, len(content)):]


def page(content: bytearray, chance: random.Random) -> int:
    return chance.randrange(len(content) // _PAGE) * _PAGE


def zeroed(content: bytearray, chance: random.Random) -> None:
    begin = page(content, chance)
    content[begin:begin + _PAGE] = bytes(_PAGE)


def other(content: bytearray, chance: random.Random) -> None:
    """Let a page hold what another one does, as a write to the wrong place does."""
    begin, source = page(content, chance), page(content, chance)
    content[begin:begin + _PAGE] = content[source:source + _PAGE]


def flipped(content: bytearray, chance: random.Random) -> None:
    """Flip a bit of what says how a page is laid out: nothing of SQLite's guards the values themselves."""
    begin = page(content, chance)
    content[begin + (100 if not begin else 0) + chance.choice((0, 3, 4, 5, 6))] ^= 1 << chance.randrange(8)


def config(folder: Path) -> PanelConfig:
    return PanelConfig.load(panel_file.write(folder))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A store with users, folded into its one file."""
    folder = tmp_path_factory.mktemp("whole")
    database = open_store(config(folder))
    with database.write() as session:
        for number in range(USERS - 1):
            service.create(session, PANEL, None, NewUser(name=f"user-{number}"))
    database.close()
    return (folder / "panel.db").read_bytes()


def names(folder: Path, content: bytes | None) -> set[str]:
    """Whom a panel finds that has had a store and starts with this in its place; raises StoreError as it does."""
    given = config(folder)
    open_store(given).close()
    (folder / "panel.db").unlink()
    if content is not None:
        (folder / "panel.db").write_bytes(content)
    database = open_store(given)
    try:
        with database.read() as session:
            return set(session.scalars(select(User.name)))
    finally:
        database.close()


def test_a_store_that_is_whole_is_opened_again(whole: bytes, tmp_path: Path) -> None:
    assert len(names(tmp_path, whole)) == USERS


@pytest.mark.parametrize(("content", "word"), [(None, "gone"), (b"", "empty")])
def test_a_store_that_is_gone_or_empty_is_refused_and_not_begun_anew(
    content: bytes | None, word: str, tmp_path: Path,
) -> None:
    with pytest.raises(StoreError, match=rf"panel\.db is {word}, but it had users.*`ops restore`"):
        names(tmp_path, content)
    assert not (tmp_path / "panel.db").exists() or not (tmp_path / "panel.db").stat().st_size
    (tmp_path / "panel.db.made").unlink()
    database = open_store(config(tmp_path))
    assert _count(database) == 1
    database.close()


@pytest.mark.parametrize("content", [b"Dear diary, " * 1000, bytes(1 << 16)])
def test_what_is_no_store_is_refused_and_left_as_it_is(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is damaged"):
        names(tmp_path, content)
    assert (tmp_path / "panel.db").read_bytes() == content


def is_refused(folder: Path, content: bytes) -> bool:
    """Tell whether a store was refused; one that is opened must have all its users."""
    try:
        found = names(folder, content)
    except StoreError:
        return True
    assert len(found) == USERS
    return False


@pytest.mark.parametrize(("damage", "most"), [(cut, CASES), (zeroed, CASES), (other, CASES - 1), (flipped, CASES - 1)])
def test_damage_is_refused_unless_nothing_was_lost_by_it(
    damage: Damage, most: int, whole: bytes, tmp_path: Path,
) -> None:
    refused = 0
    for seed in range(CASES):
        content = bytearray(whole)
        damage(content, random.Random(seed))
        (folder := tmp_path / str(seed)).mkdir()
        refused += is_refused(folder, bytes(content)) or content == whole
    assert refused >= most


def test_a_store_of_a_former_version_gets_its_mark_and_a_killed_first_start_is_made_again(tmp_path: Path) -> None:
    given = config(tmp_path)
    (tmp_path / "panel.db").touch()
    open_store(given).close()
    (tmp_path / "panel.db.made").unlink()
    open_store(given).close()
    assert (tmp_path / "panel.db.made").exists()


def _count(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(User)) or 0
