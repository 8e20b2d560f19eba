"""Every policy on what it lets pass, what it refuses and in which words, and what it does not know yet."""

import pytest
from _pytest.mark.structures import ParameterSet
from pulumi_policy import EnforcementLevel, StackValidationPolicy

from policy.pack import POLICIES
from tests.policy.cases import SILENT, Cases, Made
from tests.policy.judge import Finding, judge, judge_stack
from tests.policy.tables_files import FILES
from tests.policy.tables_others import OTHERS, STACKS
from tests.policy.tables_reach import REACH
from tests.policy.tables_rights import RIGHTS

BY_NAME = {policy.name: policy for policy in POLICIES}
TABLE: dict[str, Cases] = {**RIGHTS, **FILES, **REACH, **OTHERS, **STACKS}


def asked(policy: str, made: Made) -> list[Finding]:
    resources = made()
    if isinstance(BY_NAME[policy], StackValidationPolicy):
        return judge_stack(resources, policy)
    return [finding for item in resources for finding in judge(item, policy)]


def said(policy: str, fault: str) -> str:
    """A message ends with what the policy tells its reader to do."""
    return f"{fault}. {BY_NAME[policy].remediation_steps}"


def each(kind: str) -> list[ParameterSet]:
    return [pytest.param(name, case, id=f"{name}-{number}")
            for name, cases in TABLE.items() for number, case in enumerate(getattr(cases, kind))]


@pytest.mark.parametrize(("policy", "made"), each("passing"))
def test_what_is_safe_passes(policy: str, made: Made) -> None:
    assert asked(policy, made) == []


@pytest.mark.parametrize(("policy", "case"), each("failing"))
def test_what_is_unsafe_is_refused_in_these_words(policy: str, case: tuple[Made, str]) -> None:
    made, message = case
    found = asked(policy, made)
    assert said(policy, message) in {finding.message for finding in found}
    mandatory = BY_NAME[policy].enforcement_level != EnforcementLevel.ADVISORY
    assert {finding.is_mandatory for finding in found} == {mandatory}


@pytest.mark.parametrize(("policy", "case"), each("unknown"))
def test_what_is_not_known_yet_is_refused_where_it_must_be_a_constant(
    policy: str, case: tuple[Made, str],
) -> None:
    made, message = case
    found = asked(policy, made)
    assert [finding for finding in found if "can't run" in finding.message] == []
    if message == SILENT:
        assert found == []
    else:
        assert said(policy, message) in {finding.message for finding in found}


def test_every_policy_has_cases_of_all_three_kinds() -> None:
    assert set(TABLE) == set(BY_NAME)
    for name, cases in TABLE.items():
        assert cases.passing, name
        assert cases.failing, name
        assert bool(cases.unknown) != bool(cases.not_applicable), name
