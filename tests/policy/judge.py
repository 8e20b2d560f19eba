"""Asks the policy pack as the engine does: by the calls that a running pack answers, with its proxies and unknowns.

`_PolicyAnalyzerServicer` is private to pulumi-policy, and it is what a pack runs as; a policy that is called in
another way sees lists where there are none in production.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer

from policy.pack import POLICIES
from tests.policy.program import Resource

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands for a string that is not known before the deploy (sdk/go/common/resource/plugin/rpc.go)."""

MANDATORY = analyzer_pb2.MANDATORY


@dataclass(frozen=True)
class Finding:
    """What one policy said about one resource."""

    policy: str
    message: str
    """Without the policy's description, which stands before each."""

    is_mandatory: bool


def judge(resource: Resource, *policies: str) -> list[Finding]:
    """Let the policies of resources look at one; all of them unless some are named."""
    # The same bytes get the same answer, and most resources are the same in most configurations.
    return _asked(_request(resource).SerializeToString(deterministic=True), policies)


def judge_stack(resources: Iterable[Resource], *policies: str) -> list[Finding]:
    """Let the policies of whole stacks look at what stands after a deploy."""
    whole = [_stack_resource(item) for item in resources]
    answer = _servicer(policies).AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=whole), None)
    return _findings(answer.diagnostics)


def judge_all(resources: Sequence[Resource], *, preview: bool = False) -> list[Finding]:
    """Do both, as one run of Pulumi does; a preview hands inputs over where an update has outputs."""
    found = [finding for item in resources for finding in judge(item)]
    return found + judge_stack([replace(item, outputs=item.inputs) if preview else item for item in resources])


def changed(resource: Resource, **inputs: object) -> Resource:
    """Return the resource with other inputs; None takes one away."""
    kept = {key: value for key, value in resource.inputs.items() if key not in inputs}
    new = kept | {key: value for key, value in inputs.items() if value is not None}
    gone = {key for key, value in inputs.items() if value is None}
    outputs = {key: value for key, value in resource.outputs.items() if key not in gone} | new
    return replace(resource, inputs=new, outputs=outputs)


def _findings(diagnostics: Iterable[Any]) -> list[Finding]:
    return [Finding(said.policyName, said.message.removeprefix(said.description).strip(),
                    said.enforcementLevel == MANDATORY) for said in diagnostics]


@cache
def _asked(request: bytes, policies: tuple[str, ...]) -> list[Finding]:
    answer = _servicer(policies).Analyze(analyzer_pb2.AnalyzeRequest.FromString(request), None)
    return _findings(answer.diagnostics)


@cache
def _servicer(names: tuple[str, ...]) -> Any:
    chosen = [policy for policy in POLICIES if not names or policy.name in names]
    assert not names or len(chosen) == len(names), f"no such policy among {names}"
    return _PolicyAnalyzerServicer("stealth-vpn", "1.0.0", list(chosen), EnforcementLevel.MANDATORY)


def _request(resource: Resource) -> analyzer_pb2.AnalyzeRequest:
    return analyzer_pb2.AnalyzeRequest(
        type=resource.kind, name=resource.name, urn=resource.urn, properties=_struct(resource.inputs),
        options=_options(resource), provider=_provider(resource))


def _stack_resource(resource: Resource) -> analyzer_pb2.AnalyzerResource:
    return analyzer_pb2.AnalyzerResource(
        type=resource.kind, name=resource.name, urn=resource.urn, properties=_struct(resource.outputs),
        options=_options(resource), provider=_provider(resource), parent=resource.options.get("parent", ""))


def _options(resource: Resource) -> analyzer_pb2.AnalyzerResourceOptions:
    return analyzer_pb2.AnalyzerResourceOptions(**resource.options)


def _provider(resource: Resource) -> analyzer_pb2.AnalyzerProviderResource | None:
    made = resource.provider
    if made is None:
        return None
    return analyzer_pb2.AnalyzerProviderResource(
        type=made.kind, name=made.name, urn=made.urn, properties=_struct(made.inputs))


def _struct(values: dict[str, Any]) -> Struct:
    return ParseDict(json.loads(json.dumps(values)), Struct())
