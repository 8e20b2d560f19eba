"""The whole way of a promotion, from its checks to its end or back."""

import json
from dataclasses import replace

import pytest

from ops.update.journal import Journal
from tests.ops.operations.fakes import FakeEngine, ops
from tests.ops.promote.sets import COMMIT, FORMER, FULL, PINNED, PROD, identity
from tests.ops.promote.world import ALL, PRODUCTION, STAGING, World, promote
from tests.ops.update.test_run import command


def test_a_good_set_is_judged_carried_backed_up_deployed_and_can_be_taken_back(world: World) -> None:
    code, said = promote()
    assert code == 0, said
    assert world.done == ["changes", "changes", "preview", f"carry 6 from {STAGING} to {PRODUCTION}", "backup",
                          "keep before-this-update", "deploy", "keep previous", "drop before-this-update"]
    assert world.images[PRODUCTION] == ALL - {identity(PINNED["builder"])}, "it builds nothing there"
    assert "  image xray: 170000000000 -> 070000000000" in said
    assert "Replaced: xray. Backup: 1a2b3c4d. `ops rollback` goes back." in said
    assert "prod runs the 7 images that staging was pinned with." in said
    assert Journal.read("prod") is None
    world.done.clear()
    assert command("--stack", "prod", "rollback", "--without-backup")[0] == 0
    assert world.done == ["changes", "code a", "tools", "back", "drop previous"]


def test_what_is_on_the_engine_already_is_not_carried_again(world: World) -> None:
    world.images[PRODUCTION] = ALL - {identity(PINNED["xray"])}
    assert promote("--without-backup")[0] == 0
    assert [step for step in world.done if step.startswith(("carry", "backup"))] == [
        f"carry 1 from {STAGING} to {PRODUCTION}"]
    world.server = FORMER
    assert "All 6 images are on ssh://deploy@vpn.example.com already." in promote("--without-backup")[1]


def test_a_gate_that_fails_goes_back_to_the_former_code_and_images(world: World) -> None:
    world.fails.add("deploy")
    code, said = promote()
    assert code == 1
    assert world.done[-5:] == ["deploy", "code a", "tools", "back", "drop before-this-update"]
    assert "the update to bbbb was taken back, and aaaa runs again" in said
    assert "It failed because deploy failed." in said
    assert (world.server, Journal.read("prod")) == (FORMER, None)
    assert "prod runs the 7 images" not in said


def test_the_same_program_with_images_of_another_build_goes_back_to_the_commit_that_is_checked_out(
    world: World,
) -> None:
    world.program[FORMER] = "program b"
    world.planned = {}
    world.fails.add("deploy")
    assert promote()[0] == 1
    assert world.done[-5:] == ["deploy", "code b", "tools", "back", "drop before-this-update"]


def test_a_killed_promotion_is_gone_on_with_as_one(world: World) -> None:
    world.dies.add("deploy")
    assert promote()[0] == 137
    code, said = promote()
    assert (code, "Run `ops update --continue`." in said) == (1, True)
    code, said = command("--stack", "prod", "update", "--continue")
    assert code == 0, said
    assert "an update that builds" not in world.done
    assert world.server == COMMIT


def test_an_update_that_was_begun_later_by_a_version_without_promotions_is_none(world: World) -> None:
    world.dies.add("deploy")
    assert promote()[0] == 137
    journal = Journal.read("prod")
    assert journal
    assert journal.promotion
    assert not replace(journal, began_at="2026-11-30T23:59:59+00:00").promotion
    assert not journal.begin(PROD, []).promotion


def test_a_server_that_runs_the_set_is_left_alone(world: World, engine: FakeEngine) -> None:
    world.pin = replace(world.pin, images={
        name: replace(image, id=identity(PINNED[name] + 10)) for name, image in world.pin.images.items()})
    world.images[STAGING], world.planned = {image.id for image in world.pin.images.values()}, {}
    for name in FULL:
        engine.entries[name]["Image"] = identity(PINNED[name] + 10)
    code, said = promote()
    assert (code, "prod runs just what is pinned already." in said) == (0, True)
    assert world.done == ["changes", "changes", "preview"]
    engine.entries["xray"]["Image"] = identity(99)
    assert promote()[0] == 0
    assert "deploy" in world.done


def test_a_promotion_to_itself_is_misuse(world: World) -> None:
    assert ops("promote", "staging", "staging").exit_code == 2


def test_programs_get_one_document_that_names_the_stack(world: World) -> None:
    done = ops("promote", "staging", "prod", "--without-backup", "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert (document["command"], document["stack"], document["ok"]) == ("promote", "prod", True)
    assert set(document["images"].values()) == ALL
    world.committed, world.server = False, FORMER
    document = json.loads(ops("promote", "staging", "prod", "--json").stdout)
    assert (document["exit_code"], document["stack"]) == (1, "prod")
    assert "Commit it" in document["error"]


def test_the_way_back_of_a_promotion_that_answers_programs_answers_them_too(
    world: World, monkeypatch: pytest.MonkeyPatch,
) -> None:
    executed: list[list[str]] = []

    def note(_: str, words: list[str]) -> None:
        executed.append(words[1:])
        raise SystemExit(0)
    monkeypatch.setattr("ops.update.run.os.execv", note)
    world.fails.add("deploy")
    ops("promote", "staging", "prod", "--json")
    assert executed == [["--stack", "prod", "update", "--continue", "--json"]]
