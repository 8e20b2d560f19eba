"""Asks one policy about one resource, as the engine would: through the proxy that knows of unknown values."""

from collections.abc import Mapping
from typing import Any

from pulumi_policy import PolicyResourceOptions, ResourceValidationArgs, ResourceValidationPolicy
from pulumi_policy.policy import PolicyCustomTimeouts
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policy.pack import POLICIES
from policy.resources import CONTAINER

UNKNOWN = UNKNOWN_STRING_VALUE


def ask(name: str, props: Mapping[str, Any], kind: str = CONTAINER, *, protect: bool = False) -> list[str]:
    """Return the sentences in which the policy of that name refuses a resource."""
    (policy,) = [policy for policy in POLICIES if policy.name == name]
    assert isinstance(policy, ResourceValidationPolicy)
    opts = PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
    args = ResourceValidationArgs(
        kind, unknown_checking_proxy(dict(props)), f"urn::{kind}::thing", "thing", opts, None)
    found: list[str] = []

    def report(sentence: str, _urn: str | None) -> None:
        found.append(sentence)

    policy.validate(args, report)
    return found


def assert_refused(name: str, props: Mapping[str, Any], fault: str, kind: str = CONTAINER) -> None:
    """Assert that the policy refuses the resource, for this one fault, in a whole sentence."""
    sentences = ask(name, props, kind)
    assert len(sentences) == 1, sentences
    assert fault in sentences[0]
    assert sentences[0].endswith(".")
