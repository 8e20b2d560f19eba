import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import revision as program
from panel import users
from panel.audit import PANEL
from panel.store import migration
from panel.store.database import Database, StoreError
from panel.store.migration import migrate, revision
from panel.store.models import User
from panel.takeover import NAME, take_over
from panel.users import NewUser
from tests.admin import panel_file

NEXT = '''
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "0002"


def upgrade() -> None:
    op.drop_column("users", "note")
'''


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Makes a store with one user, migrated beyond this version."""
    def make() -> Path:
        file = tmp_path / "panel.db"
        database = opened(file)
        migrate(database)
        with database.write() as session:
            users.create(session, PANEL, None, NewUser(name="alice"))
        folder = Path(shutil.copytree(migration.FOLDER, tmp_path / "migrations"))
        (folder / "versions/next.py").write_text(NEXT)
        with monkeypatch.context() as context:
            context.setattr(migration, "FOLDER", folder)
            migrate(database)
        assert revision(database) == "next"
        database.close()
        return file
    return make


def opened(file: Path) -> Database:
    return Database(f"sqlite:///{file}")


def names(database: Database) -> list[str]:
    with database.read() as session:
        return [user.name for user in session.query(User)]


def test_a_store_that_was_changed_beyond_this_version_is_as_before_after_the_next_start(
    newer: Callable[[], Path],
) -> None:
    file = newer()
    # Killed and run again.
    assert [program.go_back(file), program.go_back(file)] == ["former", "former"]
    take_over(f"sqlite:///{file}", file.parent)
    database = opened(file)
    migrate(database)
    assert (revision(database), names(database)) == ("0002", ["alice"])
    assert revision(opened(file.with_name("panel.db.newer-next"))) == "next"
    assert program.go_back(file) == "kept"
    assert not file.with_name(NAME).exists()


def test_a_store_of_this_version_and_none_at_all_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "panel.db"
    assert program.go_back(file) == "kept"
    migrate(opened(file))
    assert program.go_back(file) == "kept"
    assert {path.name for path in tmp_path.glob(f"{NAME}*")} == set()


def test_a_newer_store_without_its_copy_is_a_fault_and_stays(newer: Callable[[], Path]) -> None:
    file = newer()
    file.with_name("panel.db.before-0002").unlink()
    with pytest.raises(StoreError, match=r"has the tables next, this version knows up to 0002.*no panel\.db\.before"):
        program.go_back(file)
    assert revision(opened(file)) == "next"


def test_a_damaged_copy_is_refused(newer: Callable[[], Path]) -> None:
    file = newer()
    file.with_name("panel.db.before-0002").write_bytes(b"damaged" * 1000)
    with pytest.raises(StoreError, match="is damaged"):
        program.go_back(file)
    assert not file.with_name(NAME).exists()


def test_the_program_tells_the_tables_and_faults_in_one_sentence(tmp_path: Path) -> None:
    store = tmp_path / "panel.db"
    migrate(opened(store))
    config = panel_file.write(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        done = subprocess.run([sys.executable, "admin/revision.py", *words], capture_output=True, text=True,
                              check=False, timeout=60)
        return done.returncode, done.stdout, done.stderr

    assert run(str(config)) == (0, "0002\n", "")
    assert run("--go-back", str(store)) == (0, "kept\n", "")
    code, said, fault = run(str(tmp_path / "missing.json"))
    assert (code, said) == (1, "")
    assert len(fault.splitlines()) == 1
