"""The language host under the real Pulumi CLI: a program, its failures, a policy pack."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from tests.integration.project import Project

pytestmark = pytest.mark.integration

PROGRAM = """
    import pulumi

    class Room(pulumi.ComponentResource):
        def __init__(self, name: str) -> None:
            super().__init__("trial:index:Room", name, {})

    Room("one")
    pulumi.export("greeting", pulumi.Config().require("greeting"))
    pulumi.export("hidden", pulumi.Output.secret("hidden-value"))
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, PROGRAM)


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


def test_the_host_ends_after_an_engine_that_was_killed(project: Project) -> None:
    project.write("import time\nwhile True: time.sleep(0.1)")
    engine = project.begin("preview")
    below: list[psutil.Process] = []
    try:
        await_true(lambda: hosts_below(engine.pid))
        below = psutil.Process(engine.pid).children(recursive=True)
        hosts = hosts_below(engine.pid)
        engine.kill()
        engine.wait()
        await_true(lambda: not any(is_alive(host) for host in hosts))
    finally:
        engine.kill()
        for process in below:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def hosts_below(pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children() if child.name().startswith("pulumi-language")]


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def await_true(look: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not look():
        assert time.monotonic() < end
        time.sleep(0.1)


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


def test_a_project_without_any_configuration_runs(project: Project) -> None:
    description = project.folder / "Pulumi.yaml"
    description.write_text("".join(line for line in description.read_text().splitlines(keepends=True)
                                   if not line.startswith("config:")))
    project.write('import pulumi\npulumi.export("made", 1)')
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_program_sees_what_a_plain_start_would_show_it(project: Project) -> None:
    project.write("""
        import os, sys
        import pulumi
        assert __name__ == "__main__" and sys.argv[1:] == [], sys.argv
        pulumi.export("folder", os.getcwd())
        pulumi.export("first", os.path.samefile(sys.path[0], os.getcwd()))
        pulumi.export("input", sys.stdin.read())
    """)
    assert project.up().returncode == 0
    outputs = json.loads(project.run("stack", "output", "--json").stdout)
    assert outputs == {"folder": str(project.folder), "first": True, "input": ""}
