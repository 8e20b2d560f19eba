"""The key of the backups is another one everywhere, with restic itself."""

from pathlib import Path

import pytest

from ops.backup.repository import Repository
from ops.errors import OperatorError
from ops.rotate import backup_key

pytestmark = pytest.mark.integration


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The files of a checkout with two stacks, whose backups are in two places."""
    (tmp_path / "Pulumi.yaml").write_text(Path("Pulumi.yaml").read_text())
    for stack in ("local", "prod", "third"):
        place = "backups" if stack != "prod" else "others"
        (tmp_path / f"Pulumi.{stack}.yaml").write_text(
            f"config:\n  stealth-vpn:domain: {stack}.test\n  stealth-vpn:backupTarget: {place}\n")
    found = {"key": tmp_path / ".backup-key", "next": tmp_path / ".backup-key.next",
             "former": tmp_path / ".backup-key.former"}
    for name, file in (("BACKUP_KEY", "key"), ("NEXT_BACKUP_KEY", "next"), ("FORMER_BACKUP_KEY", "former")):
        monkeypatch.setattr(backup_key, name, found[file])
    for place in ("backups", "others"):
        Repository(address=str(tmp_path / place), key_file=found["key"]).make(lambda _: None)
    return found


def opens(folder: Path, key: str) -> list[bool]:
    file = folder / "tried"
    file.write_text(key)
    file.chmod(0o600)
    return [Repository(address=str(folder / place), key_file=file).opened().returncode == 0
            for place in ("backups", "others")]


def rotate(folder: Path, *, keeps_former: bool = False) -> list[str]:
    said: list[str] = []
    backup_key.rotate(said.append, keeps_former=keeps_former, root=folder)
    return said


def test_the_new_key_opens_all_places_and_the_former_none(keys: dict[str, Path], tmp_path: Path) -> None:
    former = keys["key"].read_text()
    said = rotate(tmp_path)
    assert opens(tmp_path, keys["key"].read_text()) == [True, True]
    assert opens(tmp_path, former) == [False, False]
    assert keys["key"].stat().st_mode & 0o777 == 0o600
    assert not keys["former"].exists()
    assert "Keep a copy of it away from this machine" in said[0]


def test_in_an_overlap_both_open_them_until_it_is_ended(keys: dict[str, Path], tmp_path: Path) -> None:
    former = keys["key"].read_text()
    rotate(tmp_path, keeps_former=True)
    assert opens(tmp_path, former) == opens(tmp_path, keys["key"].read_text()) == [True, True]
    with pytest.raises(OperatorError, match="End it by `ops rotate backup-key --finish`"):
        rotate(tmp_path)
    backup_key.finish(lambda _: None, tmp_path)
    assert opens(tmp_path, former) == [False, False]
    with pytest.raises(OperatorError, match="no overlap to end"):
        backup_key.finish(lambda _: None, tmp_path)


@pytest.mark.parametrize("step", ["_make_next", "_add_next", "_remove_former"])
def test_a_rotation_that_was_killed_goes_on(
    keys: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str,
) -> None:
    former, real, count = keys["key"].read_text(), getattr(backup_key, step), 0

    def killed(*words: object) -> None:
        nonlocal count
        real(*words)
        count += 1
        if count == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(backup_key, step, killed)
        with pytest.raises(KeyboardInterrupt):
            rotate(tmp_path)
    assert opens(tmp_path, keys["key"].read_text()) == [True, True], "at no time is the key in its place a useless one"
    if step == "_remove_former":
        backup_key.finish(lambda _: None, tmp_path)
    else:
        rotate(tmp_path)
    assert opens(tmp_path, keys["key"].read_text()) == [True, True]
    assert opens(tmp_path, former) == [False, False]
    assert [len(list((tmp_path / place / "keys").iterdir())) for place in ("backups", "others")] == [1, 1]
    assert not keys["next"].exists()


def test_a_place_that_does_not_answer_lets_nothing_be_rotated(keys: dict[str, Path], tmp_path: Path) -> None:
    before = keys["key"].read_text()
    (tmp_path / "others" / "config").write_bytes(b"damaged")
    with pytest.raises(OperatorError, match="others cannot be used"):
        rotate(tmp_path)
    assert keys["key"].read_text() == before
    assert not keys["next"].exists()
