"""The specification's scripts are doors to `ops`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture
def doors(tmp_path: Path) -> Path:
    """A copy of the scripts, whose `ops` prints what it was asked."""
    for file in SCRIPTS.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
        (tmp_path / file.name).chmod(0o755)
    (tmp_path / "ops").write_text('#!/bin/sh\necho "ops $*"\n')
    return tmp_path


def run(script: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(script), *words], capture_output=True, text=True, check=False, timeout=30, cwd="/")


@pytest.mark.parametrize("line", [
    "start", "stop xray", "restart xray", "status", "logs xray 50", "health", "rebuild xray", "cleanup --yes",
    "backup", "restore backup.tar.gz"])
def test_the_service_manager_takes_the_specification_s_words(doors: Path, line: str) -> None:
    done = run(doors / "service-manager.sh", *line.split())
    assert (done.returncode, done.stdout) == (0, f"ops {line}\n")


@pytest.mark.parametrize("line", ["update", "rollback", "rollback backup.tar.gz", "backup"])
def test_the_update_script_takes_the_specification_s_words(doors: Path, line: str) -> None:
    done = run(doors / "update-system.sh", *line.split())
    assert (done.returncode, done.stdout) == (0, f"ops {line}\n")


@pytest.mark.parametrize(("script", "right"), [
    ("service-manager.sh", "start|stop|restart [service]"), ("update-system.sh", "rollback [file]")])
@pytest.mark.parametrize("words", [[], ["destroy"]])
def test_a_wrong_word_shows_the_right_ones(doors: Path, script: str, right: str, words: list[str]) -> None:
    done = run(doors / script, *words)
    assert done.returncode == 2
    assert right in done.stderr


def test_a_shell_completes_commands_and_services() -> None:
    for typed, completed in (("ops resta", "plain,restart"), ("ops restart x", "plain,xray")):
        done = subprocess.run(
            [sys.executable, "-m", "ops"], capture_output=True, text=True, check=False, timeout=60, cwd=SCRIPTS.parent,
            env=os.environ | {"_OPS_COMPLETE": "bash_complete", "COMP_WORDS": typed,
                              "COMP_CWORD": str(len(typed.split()) - 1)})
        assert done.stdout.strip() == completed
