"""Runs all checks at once, and writes what they found."""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from ...docker import Engine
from ...errors import OperatorError
from ...target import Target
from . import containers, machine, outside, secrets
from .findings import Case, Finding

CHECKS: dict[str, Callable[[Case], Iterable[Finding]]] = {
    "engine and kernel": machine.engine, "ports": machine.ports, "clock": machine.clock, "disk": machine.disk,
    "memory": machine.memory, "containers": containers.check, "networks": outside.networks, "names": outside.names,
    "certificates and panel": outside.certificates, "watchdog": machine.watchdog,
    "overlaps of secrets": secrets.overlaps,
}


def run(engine: Engine, target: Target) -> list[Finding]:
    """Return what all checks found, in their order."""
    try:
        engine.version()
    except OperatorError as error:
        # Without the engine no other check says anything true.
        return [Finding(check="engine", fault=str(error), fix="toolchain/engine.sh")]
    case = Case(engine, target)
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda check: list(check(case)), CHECKS.values()))
    return [finding for findings in found for finding in findings]


def lines(findings: list[Finding]) -> list[str]:
    """Return the findings for people, each ending with its fix, and a verdict as the last line."""
    shown = [line for finding in findings for line in (
        f"! {finding.fault}", *(f"    {line}" for line in finding.details.splitlines()), f"    -> {finding.fix}")]
    if not findings:
        return [f"Nothing is wrong: looked at {', '.join(CHECKS)}."]
    return [*shown, f"{len(findings)} {'thing is' if len(findings) == 1 else 'things are'} wrong."]


def document(findings: list[Finding]) -> str:
    """Return the findings for programs."""
    return json.dumps([asdict(finding) for finding in findings], indent=2)
