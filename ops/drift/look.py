"""Looks once: Pulumi's refresh joined with the promises that it cannot see; apart from that, what was not deployed."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ..errors import InterruptedRun, OperatorError
from ..events import Step
from ..stack import Stack
from ..target import Target
from ..unfinished import refuse_unfinished
from ..verify import command
from ..verify.checks import Check, Verdict
from ..verify.promises import Promises
from . import promised, refreshed
from .findings import PREFIX, Finding, name_of

# What a refresh sees of a service that `ops stop` stopped, where Pulumi's state could not be told of it.
_OF_A_STOP = frozenset({"mustRun", "restart"})


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was found at one moment."""

    findings: list[Finding]
    unchecked: list[Check]
    """What could not be looked at."""

    pending: list[Step]
    """What the next deploy would change because code or configuration differ from what was deployed: no drift."""

    pending_fault: str = ""
    """Why the code or the configuration cannot be deployed at all; empty if they can."""


def look(stack: Stack) -> Look:
    """Compare what runs with what was deployed, and change nothing; raises OperatorError when it cannot be told."""
    state = command.state_of(stack)
    refuse_unfinished(stack.name)
    promises = promised.promises_of(stack, state)
    stack.prepare()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(command.of_deploy, promises)
        # In this thread, because only here Ctrl-C can be passed on to Pulumi.
        steps = refreshed.steps(stack)
        checks = asked.result()
    pending, fault = _pending(stack)
    stopped = {PREFIX + service for service in Target.read(stack.name).stopped}
    return Look(findings=joined(promises, steps, checks, stopped), pending=pending, pending_fault=fault,
                unchecked=[check for check in checks if check.verdict is Verdict.NOT_CHECKED])


def joined(promises: Promises, steps: list[Step], checks: list[Check],
           stopped: Collection[str]) -> list[Finding]:
    """Return each difference once; what `ops stop` did to the containers in `stopped` is none."""
    steps = [left for step in steps if (left := _unless_stopped(step, stopped)) is not None]
    seen: Mapping[str, Collection[str]] = {name_of(step): step.properties for step in steps}
    gone = {name_of(step) for step in steps if step.operation == "delete"}
    renamed = {str(step.new.get("name")) for step in steps if "name" in step.properties}
    left_checks = [check for check in checks if check.subject not in renamed
                   and not (check.subject in stopped and check.promise in promised.OF_A_STOP)]
    return [*refreshed.findings(steps), *promised.findings(promises, left_checks, seen, gone)]


def _unless_stopped(step: Step, stopped: Collection[str]) -> Step | None:
    """Return the step without what a stop explains; None if nothing is left."""
    if step.operation == "delete":
        return step
    known = _OF_A_STOP if name_of(step) in stopped else frozenset()
    properties = tuple(key for key in step.properties if key not in known)
    return replace(step, properties=properties) if properties else None


def _pending(stack: Stack) -> tuple[list[Step], str]:
    try:
        # Without its refresh: compared with what was deployed, and not with what runs.
        return stack.run("preview", "--refresh=false").steps, ""
    except InterruptedRun:
        raise
    except OperatorError as error:
        return [], str(error)
