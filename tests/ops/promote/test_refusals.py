"""What a promotion refuses before anything that runs is touched."""

from dataclasses import replace

import pytest

from ops.update.journal import Journal
from tests.ops.promote.sets import COMMIT, PINNED, identity, inputs
from tests.ops.promote.world import STAGING, World, promote


def refused(world: World, why: str) -> None:
    code, said = promote()
    assert code == 1
    assert why in said
    assert not {"backup", "deploy", "keep before-this-update"} & set(world.done)
    assert Journal.read("prod") is None


def test_a_set_that_nobody_has_committed_is_refused(world: World) -> None:
    world.committed = False
    refused(world, "promotions/staging.json is not as git has it, so nobody has reviewed it. Commit it")


def test_a_set_of_another_history_or_another_program_is_refused(world: World) -> None:
    world.pin = replace(world.pin, commit="c" * 40)
    refused(world, "is of cccccccccccc, which is not in the history that is checked out")
    world.pin = replace(world.pin, commit=COMMIT, program="program x")
    refused(world, "the program was changed since bbbbbbbbbbbb, which staging was pinned with")


def test_a_configuration_that_was_not_tried_is_refused_with_the_keys(world: World) -> None:
    world.pin = replace(world.pin, configuration={**world.pin.configuration, "logLevel": "DEBUG"})
    refused(world, 'Pulumi.prod.yaml is not what was tried on staging: logLevel is "INFO" and was pinned as "DEBUG"')


def test_files_that_would_make_other_images_are_refused(world: World) -> None:
    world.planned = {"stealth-xray-image": {**inputs("xray", "changed")}}
    refused(world, "the files of the image xray are not those of the pinned one")


def test_an_image_that_staging_has_no_more_is_named(world: World) -> None:
    world.images[STAGING].remove(identity(PINNED["caddy"]))
    refused(world, "staging has the image of caddy, 030000000000, no more. Pin what it runs now with `ops pin staging`")


def test_an_image_that_arrives_with_another_id_stops_it_before_anything_runs_from_it(
    world: World, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ops.promote.run.carry", lambda *_: "")
    refused(world, "has another id on ssh://deploy@vpn.example.com. The two engines keep images in different ways")


def test_images_that_do_not_arrive_stop_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.promote.run.carry", lambda *_: "no space left on device")
    refused(world, "the images did not reach ssh://deploy@vpn.example.com: no space left on device. Nothing that runs")


def test_what_the_policies_refuse_is_not_carried(world: World) -> None:
    world.fails.add("preview")
    refused(world, "preview failed.")
    assert not any(step.startswith("carry") for step in world.done)


def test_an_older_program_is_refused_but_on_demand(world: World) -> None:
    world.server = "d" * 40
    world.program["d" * 40] = "program d"
    refused(world, "prod runs dddd, which does not come before bbbb. Pin something newer, or add --downgrade.")
    assert promote("--downgrade")[0] == 0


def test_a_server_whose_version_nobody_knows_is_refused(world: World) -> None:
    world.server = f"{COMMIT}-changed"
    refused(world, "nobody knows which version runs on prod")


def test_two_stacks_on_one_engine_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.target.values", lambda _: {"domain": "a.test", "tls": "acme"})
    refused(world, "staging and prod are on one engine, unix:///var/run/docker.sock, which has room for one server")
