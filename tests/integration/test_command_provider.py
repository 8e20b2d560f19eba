"""Our own command provider under the real Pulumi CLI, by way of the unchanged Python package."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.project import ROOT, Project

pytestmark = pytest.mark.integration

PROGRAM = """
    import pulumi
    from pulumi_command import local

    made = local.Command("made", create="cat >>ran; echo said", delete="echo gone >>ran", logging="none",
                         stdin=STDIN, triggers=[TRIGGER])
    pulumi.export("said", made.stdout)
"""


def program(stdin: str = '"first\\n"', trigger: str = "1") -> str:
    return PROGRAM.replace("STDIN", stdin).replace("TRIGGER", trigger)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, program())
    done = made.run("plugin", "install", "resource", "command", "1.2.1",
                    "--file", str(ROOT / ".toolchain" / "plugins" / "command"))
    assert done.returncode == 0, done.stderr
    return made


def ran(project: Project) -> list[str]:
    return (project.folder / "ran").read_text().split()


def resource(project: Project) -> dict[str, Any]:
    (made,) = [entry for entry in json.loads(project.run("stack", "export").stdout)["deployment"]["resources"]
               if entry["type"] == "command:local:Command"]
    return dict(made)


def test_a_command_runs_once_and_again_for_another_input_and_is_replaced_for_another_trigger(project: Project) -> None:
    assert project.run("preview").returncode == 0
    assert not (project.folder / "ran").exists()
    assert project.up().returncode == 0
    assert json.loads(project.run("stack", "output", "--json").stdout) == {"said": "said"}
    assert project.up("--refresh", "--expect-no-changes").returncode == 0
    assert ran(project) == ["first"]
    project.write(program('"second\\n"'))
    assert "updated" in project.up().stdout
    project.write(program('"second\\n"', "2"))
    assert "replaced" in project.up().stdout
    assert ran(project) == ["first", "second", "second", "gone"]
    assert project.run("destroy", "--yes").returncode == 0
    assert ran(project)[-1] == "gone"
    assert len(ran(project)) == 5


def test_a_secret_input_makes_all_that_is_said_a_secret(project: Project) -> None:
    project.write(program('pulumi.Output.secret("hidden-text")'))
    done = project.up()
    assert done.returncode == 0, done.stdout
    assert {"ciphertext"} <= set(resource(project)["outputs"]["stdout"]) & set(resource(project)["inputs"]["stdin"])
    assert "hidden-text" not in done.stdout + project.run("stack", "export").stdout


def test_a_command_that_fails_ends_the_update_with_what_it_said(project: Project) -> None:
    project.write(program().replace("echo said", "echo why-it-failed >&2; exit 7"))
    done = project.up()
    assert done.returncode != 0
    assert "exit status 7" in done.stdout
    assert "why-it-failed" in done.stdout
