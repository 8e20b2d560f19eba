import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.cli import main
from tests.ops.operations.fakes import FakeEngine, ops

USED, OLD, NAMED, FOREIGN, BUILDER = ("sha256:used", "sha256:old", "sha256:named", "sha256:foreign", "sha256:builder")
SIZES = "\n".join(json.dumps({"Type": kind, "Size": "2GB", "Reclaimable": part}) for kind, part in (
    ("Images", "1GB (50%)"), ("Containers", "0B"), ("Local Volumes", "2GB (100%)"), ("Build Cache", "1.5GB")))


def image(number: str, title: str = "stealth-vpn xray", tags: tuple[str, ...] = (), folder: str = "") -> dict[str, Any]:
    labels = {"org.opencontainers.image.title": title} if title else None
    return {"Id": number, "RepoTags": list(tags), "Config": {"Labels": labels, "WorkingDir": folder}}


def container(name: str, state: str, made_of: str, stack: str = "") -> dict[str, Any]:
    labels = {"org.stealth-vpn.stack": stack} if stack else {}
    return {"Name": f"/{name}", "State": {"Status": state}, "Config": {"Labels": labels}, "Image": made_of}


@pytest.fixture
def littered(engine: FakeEngine) -> FakeEngine:
    engine.answers |= {
        ("images",): "sha256:any\n", ("ps",): "any\n", ("system", "df"): SIZES,
        ("image", "inspect"): json.dumps([
            image(USED), image(OLD), image(NAMED, tags=("stealth-vpn/xray:local",)), image(FOREIGN, title="other"),
            image(BUILDER, title="", folder="/src/probe")]),
        ("container", "inspect"): json.dumps([
            container("stealth-xray", "exited", USED, "local"), container("stealth-old", "dead", USED, "local"),
            container("trial", "exited", OLD), container("at-work", "running", NAMED),
            container("other", "exited", FOREIGN)])}
    return engine


def cleanup(*words: str, answer: str = "") -> Result:
    return CliRunner().invoke(main, ["cleanup", *words], input=answer)


def removed(engine: FakeEngine) -> list[tuple[str, ...]]:
    return [words for words in engine.asked if words[0] in {"rm", "rmi", "builder", "volume"}]


def test_what_is_ours_and_unused_goes_and_nothing_else(littered: FakeEngine) -> None:
    done = cleanup("--yes")
    assert done.exit_code == 0, done.output
    assert removed(littered) == [
        ("rm", "--force", "stealth-old", "trial"), ("rmi", OLD), ("rmi", BUILDER),
        ("builder", "prune", "--all", "--force")]
    assert "former images of ours, without a name or a container: 2" in done.output
    assert "1.5 GB" in done.output


def test_it_asks_first_and_a_no_removes_nothing(littered: FakeEngine) -> None:
    assert cleanup(answer="n\n").exit_code == 1
    assert removed(littered) == []
    assert cleanup(answer="y\n").exit_code == 0
    assert removed(littered) != []


def test_the_cache_can_stay(littered: FakeEngine) -> None:
    assert cleanup("--yes", "--keep-cache").exit_code == 0
    assert all(words[0] != "builder" for words in removed(littered))


def test_an_engine_without_leftovers_is_told_so(engine: FakeEngine) -> None:
    engine.answers[("system", "df")] = SIZES.replace("1.5GB", "0B")
    assert ops("cleanup").output == "There is nothing to clean up.\n"
