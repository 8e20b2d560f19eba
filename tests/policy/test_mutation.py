"""Weakens the real program in one place at a time; the mandatory policy that is about it must catch each mutant."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulumi_policy import EnforcementLevel

from policy.pack import POLICIES
from tests.engine import CONTAINER, IMAGE, NETWORK, PASSWORD, VOLUME
from tests.policy import operators_containers, operators_others
from tests.policy.changes import Operator
from tests.policy.judge import judge, judge_stack
from tests.policy.program import PROVIDER, REAL_KINDS, Resource, full

OPERATORS = (*operators_containers.OPERATORS, *operators_others.OPERATORS)
# What a removal or another value of makes nothing less safe, and why.
NOT_HARDENING = {
    (CONTAINER, "name"): "stack-required-components knows every container by its name",
    (CONTAINER, "hostname"): "a label that processes inside see",
    (CONTAINER, "init"): "who collects the dead inside",
    (CONTAINER, "memoryReservation"): "a wish; `memory` is the limit",
    (CONTAINER, "wait"): "whether a deploy waits for health",
    (CONTAINER, "waitTimeout"): "how long it does",
    (CONTAINER, "destroyGraceSeconds"): "how long a stop may take",
    (CONTAINER, "mounts.type"): "decides which rule is asked; each value has its operators",
    (CONTAINER, "networksAdvanced.ipv6Address"): "only beside an IPv4 address, which is judged",
    (CONTAINER, "ports.external"): "a setting: where the one door is",
    (CONTAINER, "ports.ip"): "on every address is exception 5.14; the policy of it is advisory",
    (CONTAINER, "devices.containerPath"): "what the device is called inside",
    (CONTAINER, "ulimits.soft"): "a process may raise it up to `hard`",
    (CONTAINER, "ulimits.name"): "a limit of another name is one that is missing",
    (CONTAINER, "healthcheck.timeout"): "how long one check may take",
    (CONTAINER, "healthcheck.startPeriod"): "how long failures do not count",
    (CONTAINER, "healthcheck.startInterval"): "how often it is asked until then",
    (CONTAINER, "labels.label"): "a name; the value is judged",
    (CONTAINER, "uploads.content"): "secret by its nature; files are the one place for it",
    (CONTAINER, "uploads.sourceHash"): "only for a change to be seen",
    (CONTAINER, "uploads.owner"): "the reader's own user; another one could not read it",
    (CONTAINER, "uploads.group"): "as the owner",
    (NETWORK, "name"): "what containers join it by, which is judged there",
    (NETWORK, "labels"): "docker-resource-label-owner is advisory",
    (NETWORK, "labels.label"): "as all labels",
    (NETWORK, "labels.value"): "as all labels",
    (NETWORK, "ipv6"): "a setting: whether the second family is served",
    (NETWORK, "ipamConfigs.gateway"): "an address of the subnet, which is judged",
    (PROVIDER, "disableDockerDaemonCheck"): "the engine is asked less; what it makes is judged",
    (VOLUME, "name"): "what containers mount it by",
    (VOLUME, "labels"): "docker-resource-label-owner is advisory",
    (VOLUME, "labels.label"): "as all labels",
    (VOLUME, "labels.value"): "as all labels",
    (IMAGE, "imageName"): "a tag for people; containers run ids",
    (IMAGE, "skipPush"): "there is no registry to push to",
    (IMAGE, "build.platform"): "the architecture",
    (PASSWORD, "special"): "without them 24 letters and digits carry 142 bits",
}
# The classes of fields below a property, by the property that takes them.
_FIELDS = {
    "ContainerCapabilitiesArgs": "capabilities", "ContainerMountArgs": "mounts", "ContainerPortArgs": "ports",
    "ContainerNetworksAdvancedArgs": "networksAdvanced", "ContainerDeviceArgs": "devices",
    "ContainerUlimitArgs": "ulimits", "ContainerHealthcheckArgs": "healthcheck", "ContainerLabelArgs": "labels",
    "ContainerUploadArgs": "uploads", "DockerBuildArgs": "build", "NetworkIpamConfigArgs": "ipamConfigs",
    "NetworkLabelArgs": "labels", "VolumeLabelArgs": "labels",
}
_KINDS = {"Container": CONTAINER, "Network": NETWORK, "Volume": VOLUME, "DockerBuildArgs": IMAGE, "Image": IMAGE,
          "RandomPassword": PASSWORD, "Provider": PROVIDER}


def mutants() -> Iterator[tuple[Operator, Resource, Resource]]:
    for item in full():
        if item.kind in REAL_KINDS:
            for operator in OPERATORS:
                if item.name in operator.on:
                    yield operator, item, operator.mutate(item)


def is_caught(policy: str, mutant: Resource) -> bool:
    return any(finding.is_mandatory for finding in judge(mutant, policy))


def test_every_mutant_of_a_resource_is_caught_by_the_policy_that_is_about_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = list(mutants())
    survivors = [f"{item.name}: {operator.name} is not caught by {operator.policy}"
                 for operator, item, mutant in made if not is_caught(operator.policy, mutant)]
    with capsys.disabled():
        print(f"\n{len(made)} mutants of {len({item.urn for _, item, _ in made})} resources, "
              f"{len(made) - len(survivors)} caught")
    assert not survivors, "\n".join(survivors)


@pytest.mark.parametrize("operator", operators_others.WHOLE, ids=lambda operator: operator.name)
def test_every_mutant_of_the_whole_program_is_caught(operator: operators_others.WholeOperator) -> None:
    mutant = operator.mutate(full())
    found = [finding for item in mutant for finding in judge(item, operator.policy)]
    found += judge_stack(mutant, operator.policy)
    assert any(finding.is_mandatory for finding in found)


def test_every_operator_changes_something_of_each_resource_that_it_is_meant_for() -> None:
    names = {item.name for item in full() if item.kind in REAL_KINDS}
    assert {name for operator in OPERATORS for name in operator.on} <= names
    idle = [f"{item.name}: {operator.name}" for operator, item, mutant in mutants() if mutant == item]
    assert idle == []


def test_no_operator_is_listed_twice() -> None:
    seen = [(operator.policy, operator.name, name) for operator in OPERATORS for name in operator.on]
    assert len(seen) == len(set(seen))


def test_every_mandatory_policy_catches_a_mutant_of_the_real_program() -> None:
    mandatory = {policy.name for policy in POLICIES if policy.enforcement_level != EnforcementLevel.ADVISORY}
    of_resources = {operator.policy for operator in OPERATORS}
    assert of_resources | {operator.policy for operator in operators_others.WHOLE} == mandatory


def written_properties() -> set[tuple[str, str]]:
    """What the components write of each kind of resource, with the fields below it, as paths of the wire."""
    found = set()
    for file in [Path("__main__.py"), *Path("components").rglob("*.py")]:
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                found |= set(_of_call(call.func.attr, [word.arg for word in call.keywords if word.arg]))
    return found


def _of_call(name: str, keywords: list[str]) -> Iterator[tuple[str, str]]:
    above = [_FIELDS[name]] if name in _FIELDS else []
    kind = _KINDS.get(name) or next((value for key, value in _KINDS.items() if above and name.startswith(key)), None)
    for keyword in keywords if kind else []:
        if keyword != "opts":
            camel = re.sub(r"_(\w)", lambda match: match[1].upper(), keyword)
            yield str(kind), ".".join([*above, camel])


def covered_properties() -> set[tuple[str, str]]:
    kinds = {item.name: item.kind for item in full() if item.kind in REAL_KINDS}
    paths = {(kinds[name], operator.path.removesuffix(".*")) for operator in OPERATORS for name in operator.on}
    return paths | set(NOT_HARDENING)


def test_no_property_that_the_components_write_is_forgotten() -> None:
    written = written_properties()
    assert {(CONTAINER, "readOnly"), (CONTAINER, "mounts.readOnly"), (NETWORK, "internal")} <= written
    covered = covered_properties()
    whole = {(kind, path.partition(".")[0]) for kind, path in covered}
    forgotten = {entry for entry in written if entry not in covered
                 and not ("." not in entry[1] and entry in whole)}
    assert forgotten == set(), (
        "no operator weakens these, and NOT_HARDENING does not say why none need: " + ", ".join(
            sorted(f"{kind.rpartition(':')[2]}.{path}" for kind, path in forgotten)))


def test_nothing_is_excused_that_nobody_writes_or_that_has_an_operator() -> None:
    by_operators = covered_properties() - set(NOT_HARDENING)
    assert set(NOT_HARDENING) & by_operators == set()
    assert set(NOT_HARDENING) - written_properties() == set()
