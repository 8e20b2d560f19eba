import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from ops.docker import Engine
from ops.errors import OperatorError
from ops.events import Follower
from ops.operations import builds
from ops.stack import Stack
from ops.target import Target
from ops.update import back, checks, forward, gates, images, store
from ops.update.back import Back
from ops.update.forward import Forward, services_of
from tests.ops.operations.fakes import FakeEngine
from tests.ops.update.test_images import BEFORE, image, state

ENGINE = Engine("unix:///x.sock")


@pytest.fixture
def planned() -> list[str]:
    """What a preview would change."""
    return ["stealth-admin-image", "stealth-caddy", "stealth-trojan-writer"]


@pytest.fixture
def done(engine: FakeEngine, planned: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, in its order."""
    found: list[str] = []

    def run(_: Stack, *words: str, give_up: Callable[[], bool] | None = None) -> Follower:
        found.append(" ".join(words))
        follower = Follower(lambda _: None)
        follower.planned = {name: {} for name in planned}
        return follower

    def noting(word: str, answer: Any = None) -> Callable[..., Any]:
        def note(*_: object, **__: object) -> Any:
            found.append(word)
            return answer
        return note

    for name in ("prepare", "repair"):
        monkeypatch.setattr(Stack, name, lambda *_: None)
    monkeypatch.setattr(Stack, "run", run)
    monkeypatch.setattr(Stack, "export", lambda _: state())
    monkeypatch.setattr(Stack, "call", lambda *_: state(image("xray", "3"), image("admin", "4")))
    monkeypatch.setattr(Stack, "restore", noting("state restored"))
    for module in (forward, back):
        monkeypatch.setattr(module, "await_health", noting("healthy"))
    for place, name in ((gates, "soak"), (gates, "readable"), (checks, "promises"), (checks, "probes"),
                        (checks, "canary")):
        monkeypatch.setattr(place, name, noting(name))
    monkeypatch.setattr(builds, "build", noting("built"))
    monkeypatch.setattr(store, "go_back", noting("store put back", True))
    monkeypatch.setattr(Engine, "has_image", lambda *_: True)
    for name, entry in engine.entries.items():
        entry["Id"] = name
    return found


def targets(*names: str) -> str:
    return " ".join(f"--target **::stealth-{name}" for name in names)


def test_an_update_is_judged_built_replaced_one_service_at_a_time_and_checked_in_this_order(done: list[str]) -> None:
    assert Forward(ENGINE, Target.read("local"), Stack("local", print), lambda _: None).go() == []
    up = "up --yes --skip-preview"
    assert done == [
        "preview", "built",
        f"{up} {targets('builder-image', 'trojan', 'trojan-image', 'trojan-rendered', 'trojan-writer')}",
        f"{up} {targets('builder-image', 'admin', 'admin-image', 'admin-rendered', 'admin-writer')}", "readable",
        f"{up} {targets('builder-image', 'caddy', 'caddy-image', 'caddy-rendered', 'caddy-writer', 'site-writer')}",
        up, "healthy", "soak", "readable", "promises", "probes", "canary"]


def test_what_is_no_service_is_made_before_the_services_and_without_them(
    done: list[str], planned: list[str],
) -> None:
    planned[:] = ["stealth-vpn", "stealth-xray", "stealth-builder-image", "stealth-xray-image"]
    Forward(ENGINE, Target.read("local"), Stack("local", print), lambda _: None).go()
    assert done[2].startswith("up --yes --skip-preview --exclude **::stealth-admin --exclude **::stealth-admin-writer")
    assert done[2].count("--exclude") == 18
    assert done[3].endswith(targets("builder-image", "xray", "xray-image", "xray-rendered", "xray-writer"))


@pytest.mark.parametrize("step", ["soak", "promises", "probes", "canary"])
def test_whatever_is_found_fails_the_update(done: list[str], monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def fail(*_: object) -> None:
        raise OperatorError(f"{step} failed")

    monkeypatch.setattr(gates if step == "soak" else checks, step, fail)
    with pytest.raises(OperatorError, match=f"{step} failed"):
        Forward(ENGINE, Target.read("local"), Stack("local", print), lambda _: None).go()


def test_services_are_in_the_order_in_which_they_are_replaced() -> None:
    assert services_of({"stealth-caddy", "stealth-admin-writer", "stealth-xray-image", "stealth-vpn"}) == [
        "xray", "admin", "caddy"]
    assert services_of(set()) == []


def go_back() -> None:
    Back(ENGINE, Target.read("local"), Stack("local", print), lambda _: None).go(BEFORE)


def test_the_way_back_puts_images_and_store_in_place_and_then_deploys(done: list[str]) -> None:
    go_back()
    assert done == ["state restored", "store put back", "up --yes --skip-preview", "healthy", "promises"]


def test_a_panel_that_was_not_replaced_keeps_its_store_and_an_equal_state_stays(
    done: list[str], engine: FakeEngine, monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine.entries["admin"]["Image"] = "sha256:2"
    monkeypatch.setattr(Stack, "call", lambda *_: BEFORE)
    go_back()
    assert done == ["up --yes --skip-preview", "healthy", "promises"]


def test_a_database_of_the_operator_s_own_is_not_touched(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(back, "settings", lambda _: {"databaseUrl": "postgresql+psycopg://h/n"})
    go_back()
    assert "store put back" not in done


def test_a_former_panel_whose_image_is_gone_is_built_before_its_store_is_put_back(
    done: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Engine, "has_image", lambda *_: False)
    go_back()
    assert done == ["built", "store put back", "up --yes --skip-preview", "healthy", "promises"]


def test_the_store_is_put_back_by_the_former_panel_in_a_container_that_can_do_nothing_else(
    engine: FakeEngine,
) -> None:
    engine.answers = {("run",): "former\n"}
    assert store.go_back(ENGINE, "local", "sha256:2") is True
    assert engine.asked[0] == ("stop", "--time", "10", "stealth-admin")
    words = " ".join(engine.asked[-1])
    for part in ("--network none", "--read-only", "--cap-drop ALL", "no-new-privileges", "--user 10006:10006",
                 "sha256:2 /app/revision.py --go-back /var/lib/admin/panel.db"):
        assert part in words
    engine.answers = {("run",): "kept\n"}
    assert store.go_back(ENGINE, "local", "sha256:2") is False


@pytest.mark.parametrize(("said", "refused"), [
    ("/app/venv/bin/python: can't open file '/app/revision.py': [Errno 2] No such file or directory\n", False),
    ("The panel's store is damaged (x); restore a backup from before.\n", True)])
def test_a_former_panel_without_the_program_keeps_its_store_and_a_fault_is_told(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, said: str, refused: bool,
) -> None:
    monkeypatch.setattr(Engine, "ask", lambda _, *words: subprocess.CompletedProcess(words, 2, "", said))
    if refused:
        with pytest.raises(OperatorError, match="cannot be had back as it was: The panel's store is damaged"):
            store.go_back(ENGINE, "local", "sha256:2")
    else:
        assert store.go_back(ENGINE, "local", "sha256:2") is False


def test_images_of_before_have_a_name_that_no_build_takes() -> None:
    assert {images.UNDER_WAY, images.PREVIOUS}.isdisjoint({"local", "trixie"})
