"""With the real git."""

import subprocess
from pathlib import Path

import pytest

from components.version import version
from ops.errors import OperatorError
from ops.update.checkout import Checkout

TABLES = "admin/panel/store/migrations/versions"


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=folder, check=True,
                          capture_output=True, text=True).stdout.strip()


def commit(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    folder = tmp_path / "upstream"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, {"code.py": "1\n", "Pulumi.prod.yaml": "theirs\n", "toolchain/lib.sh": "PULUMI_VERSION=3.259.0\n",
                    f"{TABLES}/0001_first.py": "revision = '0001'\ndown_revision = None\n"})
    return folder


@pytest.fixture
def root(tmp_path: Path, upstream: Path) -> Path:
    git(tmp_path, "clone", "--quiet", str(upstream), "clone")
    return tmp_path / "clone"


@pytest.fixture
def checkout(root: Path) -> Checkout:
    return Checkout(lambda _: None, root)


def test_the_newest_is_what_upstream_has_and_a_name_is_a_commit(root: Path, checkout: Checkout, upstream: Path) -> None:
    before = checkout.head()
    new = commit(upstream, {"code.py": "2\n"})
    git(upstream, "tag", "v1")
    assert checkout.newest() == checkout.named("v1") == new
    assert checkout.head() == before == checkout.named(before[:8])
    assert checkout.is_before(before, new)
    assert not checkout.is_before(new, before)
    assert checkout.title(new) == "v1"
    assert checkout.has(new)
    assert not checkout.has(f"{new}-changed")
    assert not checkout.has("f" * 40)


@pytest.mark.parametrize("name", ["v9", "--upload-pack=touch x", ""])
def test_a_name_that_git_does_not_know_is_refused(checkout: Checkout, name: str) -> None:
    with pytest.raises(OperatorError, match="git knows no version"):
        checkout.named(name)


def test_without_git_a_place_to_fetch_from_or_a_branch_the_fault_is_named(
    tmp_path: Path, root: Path, checkout: Checkout,
) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(OperatorError, match="is no git repository"):
        Checkout(lambda _: None, tmp_path / "plain").head()
    git(root, "branch", "--unset-upstream")
    with pytest.raises(OperatorError, match="--set-upstream-to"):
        checkout.newest()
    git(root, "remote", "remove", "origin")
    with pytest.raises(OperatorError, match=r"git remote add origin ADDRESS.*--no-pull"):
        checkout.newest()


def test_changed_files_of_the_program_are_refused_and_the_operator_s_own_are_not(
    root: Path, checkout: Checkout,
) -> None:
    (root / "Pulumi.prod.yaml").write_text("mine\n")
    (root / "Pulumi.own.yaml").write_text("mine\n")
    checkout.refuse_changes()
    (root / "code.py").write_text("mine\n")
    with pytest.raises(OperatorError, match=r"1 files of the program were changed here \(code\.py\)"):
        checkout.refuse_changes()


def test_a_move_takes_the_branch_along_and_leaves_the_operator_s_files_as_they_are(
    root: Path, checkout: Checkout, upstream: Path,
) -> None:
    before = checkout.head()
    new = commit(upstream, {"code.py": "2\n", "Pulumi.prod.yaml": "their next\n"})
    checkout.newest()
    (root / "Pulumi.prod.yaml").write_text("mine\n")
    (root / "Pulumi.own.yaml").write_text("mine\n")

    def put_back() -> None:
        (root / "Pulumi.prod.yaml").write_text("mine\n")

    assert [file.name for file in checkout.stack_files()] == ["Pulumi.own.yaml", "Pulumi.prod.yaml"]
    for goal, code in ((new, "2\n"), (before, "1\n")):
        checkout.move(goal, put_back)
        assert checkout.head() == goal
        assert (root / "code.py").read_text() == code
        assert {(root / f"Pulumi.{name}.yaml").read_text() for name in ("prod", "own")} == {"mine\n"}
        assert git(root, "rev-parse", "--abbrev-ref", "HEAD") == "main"
        checkout.refuse_changes()


def test_a_move_goes_on_from_what_a_killed_git_left(root: Path, checkout: Checkout, upstream: Path) -> None:
    new = commit(upstream, {"code.py": "2\n", "other.py": "3\n"})
    checkout.newest()
    (root / "code.py").write_text("2\n")
    (root / ".git" / "index.lock").write_text("half")
    checkout.move(new, lambda: None)
    assert git(root, "status", "--porcelain") == ""


def test_a_lock_of_a_git_that_works_here_stays(root: Path, checkout: Checkout) -> None:
    (root / ".git" / "index.lock").write_text("")
    with subprocess.Popen(["git", "cat-file", "--batch"], cwd=root, stdin=subprocess.PIPE) as working:
        with pytest.raises(OperatorError, match=r"`git reset --quiet` failed"):
            checkout.move("HEAD", lambda: None)
        assert working.stdin
        working.stdin.close()
    assert (root / ".git" / "index.lock").exists()


def test_a_version_tells_its_tables_and_its_pulumi_without_being_checked_out(
    root: Path, checkout: Checkout, upstream: Path,
) -> None:
    new = commit(upstream, {f"{TABLES}/0002_next.py": 'revision = "0002"\ndown_revision = "0001"\n',
                            "toolchain/lib.sh": "PULUMI_VERSION=3.260.1\n"})
    checkout.newest()
    assert checkout.tables(new) == {"0001", "0002"}
    assert checkout.tables("HEAD") == {"0001"}
    assert (checkout.pulumi("HEAD"), checkout.pulumi(new)) == ((3, 259, 0), (3, 260, 1))


def test_the_program_is_another_one_only_where_a_server_would_be(root: Path, checkout: Checkout) -> None:
    commit(root, {"components/x.py": "1\n", "ops/y.py": "1\n"})
    before = checkout.program("HEAD")
    for name in ("ops/y.py", "promotions/staging.json", "docs/z.md", "Pulumi.prod.yaml"):
        commit(root, {name: "2\n"})
        assert checkout.program("HEAD") == before
    assert checkout.program(commit(root, {"components/x.py": "2\n"})) != before


def test_a_file_is_committed_only_as_the_commit_has_it(root: Path, checkout: Checkout) -> None:
    (root / "set.json").write_text("1\n")
    assert not checkout.is_committed("set.json")
    git(root, "add", "set.json")
    assert not checkout.is_committed("set.json"), "what is staged was reviewed by nobody"
    commit(root, {"set.json": "1\n"})
    assert checkout.is_committed("set.json")
    (root / "set.json").write_text("2\n")
    assert not checkout.is_committed("set.json")
    (root / "set.json").unlink()
    assert not checkout.is_committed("set.json")


def test_the_program_tells_its_commit_and_whether_it_was_changed(
    root: Path, checkout: Checkout, tmp_path: Path,
) -> None:
    (root / "Pulumi.prod.yaml").write_text("mine\n")
    assert version(root) == checkout.head()
    (root / "code.py").write_text("mine\n")
    assert version(root) == f"{checkout.head()}-changed"
    (tmp_path / "plain").mkdir()
    assert version(tmp_path / "plain") == ""


def test_a_program_without_git_tells_no_version(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert version(root) == ""
