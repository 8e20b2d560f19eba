"""Makes Pulumi's policies of our rules: each rule yields its faults, and whatever is wrong is reported in one form.

`<resource>: <fault>. <remedy>`, where neither names a value that could be secret.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from .resources import Resource
from .view import Finding

Faults = Iterator[str]
Rule = Callable[[Resource], Faults]
StackFaults = Iterator[tuple[Resource | None, str]]
StackRule = Callable[[tuple[Resource, ...]], StackFaults]

MANDATORY, ADVISORY = EnforcementLevel.MANDATORY, EnforcementLevel.ADVISORY
LOW, MEDIUM, HIGH, CRITICAL = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL
# Standards by name and version.
CIS = "CIS Docker Benchmark", "1.6.0"
ASVS = "OWASP ASVS", "5.0"
PSS = "Kubernetes Pod Security Standards", None
NIST = "NIST SP 800-190", None


@dataclass(frozen=True, kw_only=True)
class About:
    """What a policy tells of itself."""

    name: str
    description: str
    """What holds where the policy is kept, in one sentence."""

    remedy: str
    """What to do where it is not; every violation ends with it."""

    severity: Severity
    level: EnforcementLevel = MANDATORY
    standard: tuple[str, str | None] = CIS
    reference: str = ""
    """What of the standard demands it; empty where none does."""


def on_each(about: About, *kinds: str) -> Callable[[Rule], ResourceValidationPolicy]:
    """Make a policy of a rule for resources of these types; one that ends with `*` stands for all that begin so."""
    def made(rule: Rule) -> ResourceValidationPolicy:
        def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
            if not _is_of(args.resource_type, kinds):
                return
            resource = Resource.of(args)
            for fault in _faults(rule(resource)):
                report(_sentence(resource.subject, fault, about), None)

        return ResourceValidationPolicy(
            about.name, about.description, validate, about.level, severity=about.severity,
            framework=_framework(about), remediation_steps=about.remedy)

    return made


def on_stack(about: About) -> Callable[[StackRule], StackValidationPolicy]:
    """Make a policy of a rule for all resources together."""
    def made(rule: StackRule) -> StackValidationPolicy:
        def validate(args: StackValidationArgs, report: ReportViolation) -> None:
            for resource, fault in _stack_faults(rule(tuple(map(Resource.of, args.resources)))):
                subject, urn = (resource.subject, resource.urn) if resource else ("the stack", None)
                report(_sentence(subject, fault, about), urn)

        return StackValidationPolicy(
            about.name, about.description, validate, about.level, severity=about.severity,
            framework=_framework(about), remediation_steps=about.remedy)

    return made


def _is_of(kind: str, kinds: Iterable[str]) -> bool:
    return any(kind.startswith(wanted[:-1]) if wanted.endswith("*") else kind == wanted for wanted in kinds)


def _faults(rule: Faults) -> Faults:
    try:
        yield from rule
    except Finding as finding:
        yield str(finding)


def _stack_faults(rule: StackFaults) -> StackFaults:
    try:
        yield from rule
    except Finding as finding:
        yield None, str(finding)


def _sentence(subject: str, fault: str, about: About) -> str:
    return f"{subject}: {fault}. {about.remedy}"


def _framework(about: About) -> PolicyComplianceFramework | None:
    if not about.reference:
        return None
    return PolicyComplianceFramework(*about.standard, about.reference)
