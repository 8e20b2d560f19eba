import json

import pytest

from ops import cli
from ops.promote import kept, placing
from ops.update.journal import Journal
from tests.ops.promote.sets import COMMIT, FORMER, PIN, PINNED, PROD

AFTER = placing.placed(PROD, PIN, placing.sources(PROD, {}), set(PINNED))


def promoted(promotion: str) -> None:
    Journal(stack="prod", origin=FORMER, goal=COMMIT).begin(PROD, [], promotion).end_well()


def test_a_deploy_after_a_promotion_says_that_nothing_was_built() -> None:
    promoted(PIN.document())
    assert kept.sentence("prod", AFTER) == "The images are the 7 that staging was pinned with; none was built."


def test_a_deploy_that_built_says_which_images_are_no_more_the_pinned_ones() -> None:
    promoted(PIN.document())
    built = json.loads(AFTER)
    for entry in built["deployment"]["resources"]:
        if entry.get("id") in {"stealth-vpn/xray:local", "stealth-vpn/caddy:local"}:
            entry["outputs"]["repoDigest"] = "sha256:another"
    assert kept.sentence("prod", json.dumps(built)).startswith(
        "caddy, xray: built of the sources here, and no more the images that staging was pinned with.")


def test_without_a_promotion_or_after_an_update_that_built_nothing_is_said() -> None:
    assert kept.sentence("prod", AFTER) == ""
    promoted(PIN.document())
    promoted("")
    assert kept.sentence("prod", AFTER) == ""


def test_the_command_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    promoted(PIN.document())
    cli._show_promotion("prod", AFTER)
    assert "that staging was pinned with; none was built." in capsys.readouterr().out
    cli._show_promotion("staging", AFTER)
    assert capsys.readouterr().out == ""
