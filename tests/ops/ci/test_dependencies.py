"""Which pins are raised, by programs that raise all they are given; and how they are proposed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ops.ci import dependencies
from ops.ci.report import Report
from ops.errors import OperatorError

ROOT = Path(__file__).parents[3]
GO_MOD = "module stealth-vpn/{name}\n\ngo 1.26.8\n\n{more}require github.com/some/thing v1.2.3\n"
# Compiles to versions of 9, whatever is asked, as far as names stand in its input.
UV = """#!/bin/sh
echo "$PWD uv $*" >>{calls}
for word in "$@"; do input=$word; done
if [ "$input" = - ]; then sed 's/$/==9/'; exit; fi
while [ "$1" != --output-file ]; do shift; done
sed -n 's/^\\([a-z-]*\\)\\(==.*\\)*$/\\1==9/p' "$input" >"$2"
"""
GO = """#!/bin/sh
echo "$PWD go $*" >>{calls}
sed -i s/v1.2.3/v1.2.4/ go.mod
"""


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t.test", *words], cwd=folder, check=True,
                          capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder, programs = tmp_path / "checkout", tmp_path / "bin"
    programs.mkdir()
    for name, text in (("uv", UV), ("go", GO)):
        (programs / name).write_text(text.format(calls=tmp_path / "calls"))
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    tool = "tool github.com/some/thing/cmd\n\n"
    for name, more in (("toolchain/cli", tool), ("images/tool", tool), ("images/own", "")):
        (folder / name).mkdir(parents=True)
        (folder / name / "go.mod").write_text(GO_MOD.format(name=name, more=more))
    (folder / "images/own/main.go").write_text("package main\n")
    (folder / "admin").mkdir()
    for name, text in (("requirements", "click==8\n"), ("requirements-dev", "ruff\n"),
                       ("admin/requirements", "flask\n")):
        (folder / f"{name}.in").write_text(text)
        (folder / f"{name}.txt").write_text(f"{text.split('=')[0].strip()}==8\n")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    return folder


def calls(checkout: Path) -> list[str]:
    return (checkout.parent / "calls").read_text().replace(f"{checkout}/", "").replace(f"{checkout} ", "").splitlines()


def update(checkout: Path) -> str:
    report = Report("dependencies.md", checkout / "ci-out")
    dependencies.update(report, lambda _: None, checkout)
    return report.file.read_text()


def test_go_modules_go_to_their_newest_patch_and_held_ones_stay(checkout: Path) -> None:
    update(checkout)
    assert [line for line in calls(checkout) if " go " in line] == [
        "images/own go get -u=patch ./...", "images/own go mod tidy", "images/tool go get -u=patch tool",
        "images/tool go mod tidy"]
    assert "v1.2.3" in (checkout / "toolchain/cli/go.mod").read_text()


def test_the_locked_files_agree_and_take_nothing_young(checkout: Path) -> None:
    update(checkout)
    compiled = [line for line in calls(checkout) if "--output-file" in line]
    assert [line.rpartition(" ")[2] for line in compiled] == [
        "requirements-dev.in", "requirements.in", "requirements.in"]
    assert ["--constraint" in line for line in compiled] == [False, True, True]
    assert compiled[2].startswith("admin uv ")
    assert all("--exclude-newer 7 days" in line and "--generate-hashes" in line for line in compiled)


def test_the_text_names_what_was_raised_and_what_a_person_must_choose(checkout: Path) -> None:
    text = update(checkout)
    assert "Raises 5 pins" in text
    assert "requirements-dev.txt ruff: 8 -> 9\n" in text
    assert "images/own/go.mod github.com/some/thing: v1.2.3 -> v1.2.4\n" in text
    assert "requirements.in click: 8 -> 9\n" in text
    assert "toolchain/cli stays: Pulumi's version" in text


def test_a_go_module_that_is_not_to_be_had_stays_and_the_others_are_raised(checkout: Path) -> None:
    program = checkout.parent / "bin" / "go"
    program.write_text(program.read_text() + """case "$PWD $*" in */own\\ mod*)
        echo "go: other/thing@v1.2.4: reading https://registry.test/x: 404" >&2; exit 1 ;; esac
""")
    text = update(checkout)
    assert "Not raised, because it failed:" in text
    assert "images/own: `go mod tidy ...` failed: go: other/thing@v1.2.4: 404." in text
    assert "registry.test" not in text
    assert "v1.2.3" in (checkout / "images/own/go.mod").read_text()
    assert "v1.2.4" in (checkout / "images/tool/go.mod").read_text()


def test_packages_that_do_not_fit_together_end_it(checkout: Path) -> None:
    (checkout.parent / "bin" / "uv").write_text("#!/bin/sh\necho 'x needs y<2' >&2\nexit 1\n")
    with pytest.raises(OperatorError, match=r"`uv pip compile --quiet \.\.\.` failed: x needs y<2"):
        update(checkout)


def test_held_modules_are_there() -> None:
    assert set(dependencies.HELD) <= set(dependencies.go_modules(ROOT))


def propose(checkout: Path, patch: str, opened: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the script in a clone that may push to where it comes from, with a `gh` that writes down its words."""
    clone = checkout.parent / "clone"
    shutil.rmtree(clone, ignore_errors=True)
    git(checkout.parent, "clone", "--quiet", str(checkout), str(clone))
    (clone / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "ci-propose.sh", clone / "scripts")
    gh = checkout.parent / "bin" / "gh"
    gh.write_text(f'#!/bin/sh\necho "gh $*" >>{checkout.parent}/calls\n[ "$2" != list ] || echo {opened}\n')
    gh.chmod(0o755)
    (clone / "ci-out").mkdir(exist_ok=True)
    (clone / "ci-out" / "dependencies.patch").write_text(patch)
    return subprocess.run([clone / "scripts" / "ci-propose.sh"], capture_output=True, text=True, check=False,
                          timeout=60)


def patch_of(checkout: Path) -> str:
    update(checkout)
    patch = (checkout / "ci-out" / "dependencies.patch").read_text()
    git(checkout, "checkout", "--quiet", "--", ".")
    return patch


def test_pins_are_proposed_on_a_branch_of_their_own(checkout: Path) -> None:
    patch = patch_of(checkout)
    done = propose(checkout, patch)
    assert done.returncode == 0, done.stderr
    assert git(checkout, "diff", "--stat", "main", "update-pins").splitlines()[-1].startswith(" 5 files changed")
    assert calls(checkout)[-1].startswith("gh pr create --head update-pins --base main ")


def test_a_second_proposal_takes_the_place_of_the_first(checkout: Path) -> None:
    patch = patch_of(checkout)
    propose(checkout, patch)
    done = propose(checkout, patch.replace("v1.2.4", "v1.2.5"), opened=1)
    # From main again, so that it is one commit.
    assert done.returncode == 0, done.stderr
    assert git(checkout, "rev-list", "--count", "main..update-pins").strip() == "1"
    assert "v1.2.5" in git(checkout, "show", "update-pins:images/own/go.mod")
    assert calls(checkout)[-1].startswith("gh pr edit update-pins ")


def test_a_patch_of_anything_but_pins_is_refused(checkout: Path) -> None:
    (checkout / "images/own/main.go").write_text("package main // and more\n")
    patch = git(checkout, "diff")
    git(checkout, "checkout", "--quiet", "--", ".")
    done = propose(checkout, patch)
    assert done.returncode == 1
    assert "changes more than pins (images/own/main.go" in done.stderr
    assert "update-pins" not in git(checkout, "branch")


def test_no_patch_is_no_proposal(checkout: Path) -> None:
    done = propose(checkout, "")
    assert (done.returncode, "nothing to propose" in done.stdout) == (0, True)
    assert not (checkout.parent / "calls").exists()
