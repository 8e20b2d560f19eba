from pathlib import Path

from pulumi_policy import Policy

from policy.names import NAMES
from policy.pack import POLICIES

SHORT = {"CIS Docker Benchmark": "CIS", "OWASP ASVS": "ASVS", "Kubernetes Pod Security Standards": "PSS",
         "NIST SP 800-190": "NIST SP 800-190"}

HEAD = "| policy | level | severity | reference | what it demands | how to mend it |\n|---|---|---|---|---|---|"


def row(policy: Policy) -> str:
    assert policy.enforcement_level is not None, f"{policy.name} leaves its level to the pack"
    assert policy.severity is not None
    framework = policy.framework
    reference = f"{SHORT[str(framework.name)]} {framework.reference}" if framework else ""
    cells = (f"`{policy.name}`", policy.enforcement_level.value, policy.severity.value, reference,
             policy.description, policy.remediation_steps)
    return f"| {' | '.join(map(str, cells))} |"


def test_the_document_shows_every_policy_with_its_level_in_the_pack_s_order_and_no_other() -> None:
    # All between the table's head and the next empty line: whatever else stands there breaks it for its readers.
    shown = Path("docs/policies.md").read_text().split(f"{HEAD}\n")[1].split("\n\n")[0].splitlines()
    assert shown == [row(policy) for policy in POLICIES]


def test_only_what_changes_nothing_for_an_attacker_is_advice() -> None:
    advice = {policy.name for policy in POLICIES if str(policy.enforcement_level) != "EnforcementLevel.MANDATORY"}
    assert advice == {"docker-container-explicit-bind-ip", "docker-resource-label-owner", "stack-volume-sharing"}


def test_each_policy_says_what_holds_and_what_to_do_in_whole_sentences() -> None:
    for policy in POLICIES:
        for text in (policy.description, str(policy.remediation_steps)):
            assert text.endswith("."), policy.name
            assert text[0].isupper(), policy.name
    assert len({policy.name for policy in POLICIES}) == len(POLICIES)


def test_the_names_that_every_run_must_have_asked_are_those_of_the_pack() -> None:
    assert tuple(policy.name for policy in POLICIES) == NAMES
