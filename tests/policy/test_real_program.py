"""The real program keeps every policy, in every configuration that changes its shape, before a deploy and after it."""

from pathlib import Path

import pytest

from tests.policy.judge import judge_all
from tests.policy.program import CONFIGURATIONS, REAL_KINDS, configure, full, run


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_real_program_keeps_every_policy(name: str, tmp_path: Path) -> None:
    assert judge_all(run(configure(name, tmp_path))) == []


@pytest.mark.parametrize("name", ["full", "minimal", "acme", "own site"])
def test_a_preview_of_it_is_clean_and_leaves_no_policy_out(name: str, tmp_path: Path) -> None:
    before = run(configure(name, tmp_path), preview=True)
    assert judge_all(before, preview=True) == [], "a policy that cannot run says so in a finding"


def test_the_production_stack_s_file_keeps_every_policy() -> None:
    assert judge_all(run({}, stack="prod")) == []


def test_what_is_judged_is_the_whole_program() -> None:
    kinds = [item.kind for item in full()]
    counted = {kind.rpartition(":")[2]: kinds.count(kind) for kind in REAL_KINDS}
    assert counted == {"Container": 12, "Image": 7, "Network": 2, "Volume": 13, "RandomPassword": 7, "docker": 1}
