"""Every command line in the specification's chapters on installation, service manager, update script and Makefile.

Each is run as written, by the test that the list names, which also looks whether it did what it says. Words that may be
left out are both given and left out.
"""

import ast
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.deployment import ROOT, SERVICES, Server, clean, docker, healthy, inspect, names

_BUILDS = "test_builds.py::test_a_rebuild_replaces_that_service_alone_and_its_former_image_can_go"
_CHANGED = "test_builds.py::test_changed_sources_are_built_without_a_touch_and_taken_by_the_next_deploy"
_VALID = "test_operations.py::test_build_and_validate_touch_nothing_that_runs"
_USERS = "test_commands.py::test_a_user_comes_and_goes_by_make"
_RESTORE = "test_backup.py::test_one_command_on_an_empty_machine_brings_the_same_server_back"
_UPDATE = "test_update.py::test_a_good_update_replaces_what_changed_and_can_be_taken_back"
LINES = {
    "make install": {"make install": "test_make_install_keeps_a_server_that_is_there"},
    "./scripts/service-manager.sh start [service]": {
        "./scripts/service-manager.sh start": "test_services_stop_and_start",
        "./scripts/service-manager.sh start trojan": "test_services_stop_and_start"},
    "./scripts/service-manager.sh stop [service]": {
        "./scripts/service-manager.sh stop": "test_services_stop_and_start",
        "./scripts/service-manager.sh stop trojan": "test_services_stop_and_start"},
    "./scripts/service-manager.sh restart [service]": {
        "./scripts/service-manager.sh restart": "test_services_restart",
        "./scripts/service-manager.sh restart trojan": "test_services_restart"},
    "./scripts/service-manager.sh status": {"./scripts/service-manager.sh status": "test_the_server_is_looked_at"},
    "./scripts/service-manager.sh logs [service] [lines]": {
        "./scripts/service-manager.sh logs": "test_the_server_is_looked_at",
        "./scripts/service-manager.sh logs xray": "test_the_server_is_looked_at",
        "./scripts/service-manager.sh logs xray 3": "test_the_server_is_looked_at"},
    "./scripts/service-manager.sh health": {"./scripts/service-manager.sh health": "test_the_server_is_looked_at"},
    "./scripts/service-manager.sh backup": {
        "./scripts/service-manager.sh backup": "test_a_backup_brings_the_server_back"},
    "./scripts/service-manager.sh restore <file>": {
        "./scripts/service-manager.sh restore backup.tar.gz": "test_a_backup_brings_the_server_back"},
    "./scripts/service-manager.sh rebuild [service]": {
        "./scripts/service-manager.sh rebuild": "test_all_images_are_built_anew",
        "./scripts/service-manager.sh rebuild trojan": _BUILDS},
    "./scripts/service-manager.sh cleanup": {
        "./scripts/service-manager.sh cleanup": "test_what_is_left_over_goes_when_somebody_says_so"},
    "./scripts/update-system.sh update": {"./scripts/update-system.sh update": _UPDATE},
    "./scripts/update-system.sh rollback [file]": {
        "./scripts/update-system.sh rollback": _UPDATE,
        "./scripts/update-system.sh rollback backup.tar.gz": "test_a_backup_brings_the_server_back"},
    "./scripts/update-system.sh backup": {
        "./scripts/update-system.sh backup": "test_a_backup_brings_the_server_back"},
    "make start": {"make start": "test_services_stop_and_start"},
    "make stop": {"make stop": "test_services_stop_and_start"},
    "make restart": {"make restart": "test_services_restart"},
    "make status": {"make status": "test_the_server_is_looked_at"},
    "make logs": {"make logs": "test_the_server_is_looked_at"},
    "make logs-xray": {"make logs-xray": "test_the_server_is_looked_at"},
    "make add-user USER=alice": {"make add-user USER=alice": _USERS},
    "make list-users": {"make list-users": _USERS},
    "make remove-user USER=alice": {"make remove-user USER=alice": _USERS},
    "make backup": {"make backup": "test_backup.py::lost"},
    "make restore FILE=backup.tar.gz": {"make restore FILE=backup.tar.gz": _RESTORE},
    "make update": {"make update": _UPDATE},
    "make rebuild": {"make rebuild": "test_all_images_are_built_anew"},
    "make clean": {"make clean": "test_what_is_left_over_goes_when_somebody_says_so"},
    "make build": {"make build": _CHANGED},
    "make test": {"make test": "test_make_test_is_the_whole_check"},
    "make validate": {"make validate": _VALID},
}
"""Each line of the specification, how it is run, and by which test: one of this module, or of the named one."""

Say = Callable[..., str]


@pytest.mark.parametrize(("form", "where"), [pair for forms in LINES.values() for pair in forms.items()])
def test_the_named_test_runs_the_line(form: str, where: str) -> None:
    file, _, name = where.rpartition("::")
    text = (Path(__file__).parent / (file or Path(__file__).name)).read_text()
    (source,) = [ast.get_source_segment(text, node) or "" for node in ast.walk(ast.parse(text))
                 if isinstance(node, ast.FunctionDef) and node.name == name]
    words = '", "'.join(form.split())
    assert f'"{form}"' in source or f'"{words}"' in source, f"{where} does not run `{form}`"


def test_make_test_is_the_whole_check() -> None:
    # It would run itself: so what it would run is read, and that the continuous integration runs no less.
    shown = subprocess.run(["make", "test", "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True,
                           timeout=60).stdout
    for word in ("ruff check", "mypy", "shellcheck", "hadolint", "go vet", "go test", "pytest -q --numprocesses",
                 "pytest -q -m"):
        assert word in shown, word
    assert "exec make test\n" in (ROOT / ".ci" / "run").read_text()


@pytest.fixture
def say(deployed: Server) -> Say:
    """Runs a line as the specification writes it, and returns what it says; it must end well."""
    def said(line: str, typed: str | None = None) -> str:
        done = deployed.run(*line.split()) if typed is None else deployed.answer(typed, *line.split())
        assert done.returncode == 0, done.stdout
        return done.stdout
    return said


def running() -> set[str]:
    return {name for name in SERVICES if inspect(name)["State"]["Running"]}


def started() -> dict[str, str]:
    return {name: inspect(name)["State"]["StartedAt"] for name in SERVICES}


@pytest.mark.integration
def test_the_server_is_looked_at(say: Say) -> None:
    assert say("./scripts/service-manager.sh status").endswith("All is well: 6 services are healthy.\n")
    assert say("make status").endswith("All is well: 6 services are healthy.\n")
    assert say("./scripts/service-manager.sh health").endswith("All is well: 6 checks passed.\n")
    for merged in (say("./scripts/service-manager.sh logs"), say("make logs")):
        assert {"caddy", "xray"} < set(re.findall(r"^\S+Z (\w+) ", merged, re.M))
    of_xray = say("./scripts/service-manager.sh logs xray")
    assert re.match(r"\d{4}-\d\d-\d\dT", of_xray)
    assert "caddy" not in of_xray
    assert len(say("./scripts/service-manager.sh logs xray 3").splitlines()) == 3 < len(of_xray.splitlines())
    assert of_xray.splitlines()[-1] in say("make logs-xray").splitlines()


@pytest.mark.integration
def test_services_stop_and_start(say: Say) -> None:
    say("./scripts/service-manager.sh stop trojan")
    assert running() == set(SERVICES) - {"trojan"}
    say("./scripts/service-manager.sh start trojan")
    assert healthy() == set(SERVICES)
    say("./scripts/service-manager.sh stop")
    assert running() == set()
    say("make start")
    assert healthy() == set(SERVICES)
    say("make stop")
    assert running() == set()
    say("./scripts/service-manager.sh start")
    assert healthy() == set(SERVICES)


@pytest.mark.integration
def test_services_restart(say: Say) -> None:
    before = started()
    say("./scripts/service-manager.sh restart trojan")
    assert {name for name, when in started().items() if when != before[name]} == {"trojan"}
    for line in ("./scripts/service-manager.sh restart", "make restart"):
        before = started()
        say(line)
        assert all(when > before[name] for name, when in started().items())
        assert healthy() == set(SERVICES)


@pytest.mark.integration
def test_what_is_left_over_goes_when_somebody_says_so(say: Say, deployed: Server) -> None:
    docker("create", "--name", "leftover", "stealth-vpn/trojan:local")
    try:
        for line in ("./scripts/service-manager.sh cleanup", "make clean"):
            refused = deployed.answer("n\n", *line.split())
            assert refused.returncode != 0
            assert "ended containers: leftover\n" in refused.stdout
        assert names("container", "name=^leftover$") == {"leftover"}
        # With the cache of builds all that follows would take minutes longer.
        assert "are free again" in say("./scripts/service-manager.sh cleanup --keep-cache", typed="y\n")
        assert names("container", "name=^leftover$") == set()
        assert healthy() == set(SERVICES)
    finally:
        docker("rm", "--force", "leftover", check=False)


@pytest.mark.integration
def test_make_install_keeps_a_server_that_is_there(say: Say, deployed: Server) -> None:
    file = deployed.folder / "Pulumi.e2e.yaml"
    before = file.read_text(), started()
    # The firewall of the machine that tests run on is not the tests' to change.
    said = say("make install", typed="n\n")
    assert "Turn on the firewall UFW" in said
    assert "No changes; 6 containers healthy" in said
    assert re.search(r"^First user's link: https://www\.stealth\.test/\S+$", said, re.M)
    assert "All is well: 6 services are healthy.\n" in said
    assert (file.read_text(), started()) == before


@pytest.mark.integration
def test_a_backup_brings_the_server_back(say: Say, deployed: Server, tmp_path: Path) -> None:
    deployed.configure(backupTarget="backup.tar.gz")
    assert "read back and whole" in say("./scripts/service-manager.sh backup")
    assert "read back and whole" in say("./scripts/update-system.sh backup")
    outputs = deployed.outputs()
    again = Server(tmp_path / "other")
    shutil.copy(deployed.folder / ".backup-key", again.folder)
    shutil.copytree(deployed.folder / "backup.tar.gz", again.folder / "backup.tar.gz")
    clean()
    try:
        done = again.run("./scripts/service-manager.sh", "restore", "backup.tar.gz")
        assert done.returncode == 0, done.stdout
        assert healthy() == set(SERVICES)
        assert again.outputs() == outputs
        assert again.ops("users", "add", "later").returncode == 0
        done = again.run("./scripts/update-system.sh", "rollback", "backup.tar.gz")
        assert done.returncode == 0, done.stdout
        assert "later" not in again.ops("users", "list").stdout
    finally:
        clean()
        deployed.standing = None


@pytest.mark.integration
@pytest.mark.long
def test_all_images_are_built_anew(say: Say) -> None:
    for line in ("make rebuild", "./scripts/service-manager.sh rebuild"):
        before = {name: inspect(name)["Image"] for name in SERVICES}
        say(line)
        assert healthy() == set(SERVICES)
        assert [name for name in SERVICES if inspect(name)["Image"] == before[name]] == []
