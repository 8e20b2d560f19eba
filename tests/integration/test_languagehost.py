"""The language host under the real Pulumi CLI: a program, its failures, a policy pack."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".toolchain" / "bin"
PROGRAM = """
    import pulumi

    class Room(pulumi.ComponentResource):
        def __init__(self, name: str) -> None:
            super().__init__("trial:index:Room", name, {})

    Room("one")
    pulumi.export("greeting", pulumi.Config().require("greeting"))
    pulumi.export("hidden", pulumi.Output.secret("hidden-value"))
"""


class Project:
    """A throw-away Pulumi project with a backend, a home and a passphrase of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "state").mkdir()
        (folder / "passphrase").write_text("only for this test")
        options = f"{{toolchain: pip, virtualenv: {sys.prefix}}}"
        (folder / "Pulumi.yaml").write_text(
            f"name: trial\nruntime: {{name: python, options: {options}}}\n"
            "config: {greeting: {type: string, default: hello}}\n")
        self.write(PROGRAM)
        assert self.run("stack", "init", "local").returncode == 0

    def write(self, program: str) -> None:
        (self.folder / "__main__.py").write_text(dedent(program))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
        environment |= {
            "PATH": f"{TOOLS}:{environment['PATH']}",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.folder / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        return subprocess.run(  # noqa: S603 - fixed program, arguments of this file
            [str(TOOLS / "pulumi"), "--non-interactive", *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False)

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("up", "--yes", *arguments)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_program_runs_with_its_config_and_keeps_its_secret(project: Project) -> None:
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr
    outputs = json.loads(project.run("stack", "output", "--json").stdout)
    assert outputs == {"greeting": "hello", "hidden": "[secret]"}
    assert "hidden-value" not in project.run("stack", "export").stdout + done.stdout


def test_a_second_up_finds_nothing_to_do_and_a_new_resource_is_noticed(project: Project) -> None:
    assert project.up().returncode == 0
    assert project.run("preview", "--expect-no-changes").returncode == 0
    project.write(PROGRAM + '\n    Room("two")\n')
    assert project.run("preview", "--expect-no-changes").returncode != 0


def test_an_error_that_the_operator_can_mend_comes_without_a_traceback(project: Project) -> None:
    project.write('import pulumi\nraise pulumi.RunError("port is 0, but it must not be")')
    failed = project.up()
    assert failed.returncode != 0
    assert "port is 0, but it must not be" in failed.stdout
    assert "Traceback" not in failed.stdout


def test_the_program_knows_a_preview_from_an_update(project: Project) -> None:
    project.write('import pulumi\nassert pulumi.runtime.is_dry_run(), "an update"')
    assert project.run("preview").returncode == 0
    assert "an update" in project.up("--skip-preview").stdout


def test_a_fault_of_the_program_comes_with_its_traceback(project: Project) -> None:
    project.write('raise ValueError("a fault of ours")')
    failed = project.up()
    assert failed.returncode != 0
    assert "Traceback" in failed.stdout
    assert "a fault of ours" in failed.stdout
    assert "unhandled error" not in failed.stdout, "the program has told its error itself"


def test_a_missing_environment_is_said_with_the_command_that_makes_it(project: Project) -> None:
    description = project.folder / "Pulumi.yaml"
    description.write_text(description.read_text().replace(sys.prefix, "/nowhere"))
    failed = project.up()
    assert failed.returncode != 0
    assert "make setup" in failed.stdout + failed.stderr


def test_a_policy_pack_stops_an_up_before_the_resource_is_made(project: Project) -> None:
    pack = project.folder / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text(
        f"runtime: {{name: python, options: {{toolchain: pip, virtualenv: {sys.prefix}}}}}\nversion: 0.0.1\n")
    (pack / "__main__.py").write_text(dedent("""
        from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

        def refuse(args, report):
            if args.resource_type == "trial:index:Room":
                report("Rooms are refused here.")

        PolicyPack("trial-pack", [ResourceValidationPolicy("no-rooms", "No rooms.", refuse)],
                   enforcement_level=EnforcementLevel.MANDATORY)
    """))
    refused = project.up("--policy-pack", str(pack))
    assert refused.returncode != 0
    assert "Rooms are refused here." in refused.stdout
    assert "trial:index:Room" not in project.run("stack", "export").stdout
