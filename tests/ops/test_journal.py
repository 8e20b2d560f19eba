"""Several files change as if at once, wherever a run is killed."""

import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from ops.journal import Journal

BEFORE = {"one": "1", "two": "2", "old": "3"}
AFTER = {"one": "first", "two": "second", "new": "third"}


class KilledError(Exception):
    pass


def begun(folder: Path) -> Journal:
    made = Journal(folder / "journal")
    made.begin()
    for name, text in AFTER.items():
        made.put(text.encode(), folder / name)
    made.remove(folder / "old")
    return made


def found(folder: Path) -> dict[str, str]:
    files = [file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")]
    return {file.name: file.read_text() for file in files}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name, text in BEFORE.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "one").chmod(0o640)
    return tmp_path


def test_all_files_change_and_nothing_is_left(place: Path) -> None:
    begun(place).commit()
    assert found(place) == AFTER
    assert [(place / name).stat().st_mode & 0o777 for name in ("one", "new")] == [0o640, 0o600]
    assert not (place / "journal").exists()


def test_what_was_not_committed_never_was(place: Path) -> None:
    begun(place)
    assert Journal(place / "journal").settle() is False
    assert found(place) == BEFORE
    assert not (place / "journal").exists()


@pytest.mark.parametrize("step", range(1, 12))
def test_a_kill_at_any_step_leaves_all_or_nothing(place: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    steps = iter(range(1, 100))

    def counted(real: object) -> object:
        def act(*words: object, **named: object) -> object:
            if next(steps) == step:
                raise KilledError
            return real(*words, **named)  # type: ignore[operator]
        return act

    made = begun(place)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", counted(Path.replace))
        patch.setattr(Path, "unlink", counted(Path.unlink))
        patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
        with suppress(KilledError):
            made.commit()
    Journal(place / "journal").settle()
    # Its plan is written (the first unlink) and renamed (the first replace) before anything moves.
    assert found(place) == (BEFORE if step <= 2 else AFTER)


def test_its_folder_is_for_its_owner_alone(place: Path) -> None:
    made = begun(place)
    assert made.folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in made.folder.iterdir()} == {0o600}
