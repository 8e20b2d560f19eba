"""Our own random provider under the real Pulumi CLI, by way of the unchanged Python package."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.project import ROOT, Project

pytestmark = pytest.mark.integration

PROGRAM = """
    import pulumi
    import pulumi_random as random

    made = random.RandomPassword("made", length=LENGTH, special=False, keepers={"rotation": "ROTATION"})
    pulumi.export("result", made.result)
"""


def program(length: object = 48, rotation: str = "1") -> str:
    return PROGRAM.replace("LENGTH", str(length)).replace("ROTATION", rotation)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, program())
    done = made.run("plugin", "install", "resource", "random", "4.21.4",
                    "--file", str(ROOT / ".toolchain" / "plugins" / "random"))
    assert done.returncode == 0, done.stderr
    return made


def result(project: Project) -> str:
    return str(json.loads(project.run("stack", "output", "--json", "--show-secrets").stdout)["result"])


def resource(project: Project) -> dict[str, Any]:
    state = json.loads(project.run("stack", "export").stdout)
    (found,) = [entry for entry in state["deployment"]["resources"] if "RandomPassword" in entry["type"]]
    return dict(found)


def test_a_password_is_secret_and_its_id_tells_nothing(project: Project) -> None:
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr
    value = result(project)
    assert re.fullmatch(r"[A-Za-z0-9]{48}", value)
    assert value not in project.run("stack", "export").stdout + done.stdout
    made = resource(project)
    assert made["id"] == "none"
    assert {"ciphertext"} <= set(made["outputs"]["result"]) & set(made["outputs"]["bcryptHash"])


def test_a_second_up_keeps_it_also_with_a_refresh(project: Project) -> None:
    assert project.up().returncode == 0
    value = result(project)
    assert project.up("--refresh", "--expect-no-changes").returncode == 0
    assert project.run("preview", "--expect-no-changes").returncode == 0
    assert result(project) == value


@pytest.mark.parametrize("changed", [program(length=49), program(rotation="2")])
def test_a_new_length_or_keeper_replaces_it(project: Project, changed: str) -> None:
    assert project.up().returncode == 0
    value = result(project)
    project.write(changed)
    assert "replaced" in project.up().stdout
    assert result(project) != value


@pytest.mark.parametrize(("written", "fault"), [
    (program(length=0), "length is 0, but it must lie between 1 and 65536"),
    (program().replace("special=False", "min_lower=3"),
     "minLower is not served by this project's own random provider"),
    (program().replace("RandomPassword(", "RandomUuid(").replace("length=48, special=False, ", ""),
     "RandomUuid is no resource type of this random provider"),
])
def test_what_is_not_served_is_refused_by_name(project: Project, written: str, fault: str) -> None:
    project.write(written)
    done = project.up()
    assert done.returncode != 0
    assert fault in done.stdout + done.stderr


def test_destroy_takes_it_out_of_the_state(project: Project) -> None:
    assert project.up().returncode == 0
    assert project.run("destroy", "--yes").returncode == 0
    assert "RandomPassword" not in project.run("stack", "export").stdout
