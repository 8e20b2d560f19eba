"""Images that are built anew on the real server.

The name comes before those of all modules that make networks of documentation addresses (RFC 5737): a machine may reach
its package registries at such an address, and a build would not.
"""

import pytest

from tests.e2e.deployment import SERVICES, Server, docker, healthy, ids, inspect

pytestmark = pytest.mark.integration


def test_a_rebuild_replaces_that_service_alone_and_its_former_image_can_go(deployed: Server) -> None:
    before = ids()
    former = inspect("trojan")["Image"]
    done = deployed.run("./scripts/service-manager.sh", "rebuild", "trojan")
    assert done.returncode == 0, done.stdout
    assert {name for name in SERVICES if ids()[name] != before[name]} == {"trojan"}
    assert inspect("trojan")["Image"] != former
    assert healthy() == set(SERVICES)
    unchanged = deployed.pulumi("preview", "--diff", "--expect-no-changes")
    assert unchanged.returncode == 0, unchanged.stdout
    cleaned = deployed.ops("cleanup", "--yes", "--keep-cache")
    assert cleaned.returncode == 0, cleaned.stdout
    assert former not in docker("images", "--all", "--quiet", "--no-trunc").split()
    assert healthy() == set(SERVICES)


def test_changed_sources_are_built_without_a_touch_and_taken_by_the_next_deploy(deployed: Server) -> None:
    before = ids()
    file = deployed.folder / "images" / "trojan" / "Dockerfile"
    text = file.read_text()
    file.write_text(text + "LABEL built=first\n")
    try:
        built = deployed.run("make", "build")
        assert built.returncode == 0, built.stdout
        assert "1 images were built" in built.stdout
        assert ids() == before
        deployed.up()
        assert {name for name in SERVICES if ids()[name] != before[name]} == {"trojan"}
        assert inspect("trojan")["Config"]["Labels"]["built"] == "first"
    finally:
        file.write_text(text)
