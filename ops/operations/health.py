"""`ops health`: runs each service's own check now; the engine's verdict can be half a minute old."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..docker import Engine
from .services import Service
from .words import printable, table


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the check of one service found."""

    service: str
    good: bool
    said: str
    """What is wrong, or that nothing is."""

    seconds: float


def check(engine: Engine, services: list[Service]) -> list[Finding]:
    """Run all checks at once, but not those of services that an operator has stopped."""
    services = [service for service in services if not service.stopped]
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda service: _check(engine, service), services))


def lines(findings: list[Finding]) -> list[str]:
    """Return the findings for people, and a verdict."""
    rows = [(item.service, "good" if item.good else "BAD", f"{item.seconds:.1f} s", item.said) for item in findings]
    bad = sum(not item.good for item in findings)
    verdict = f"{bad} of {len(findings)} checks failed; `make logs-<service>` may say why." if bad else \
        f"All is well: {len(findings)} checks passed."
    return [*table([("SERVICE", "CHECK", "TOOK", "FOUND"), *rows]), "", verdict]


def _check(engine: Engine, service: Service) -> Finding:
    if not service.runs:
        return Finding(service=service.name, good=False, said=service.fault, seconds=0.0)
    began = time.monotonic()
    fault = engine.check(service.container)
    return Finding(service=service.name, good=not fault, said=printable(fault) or "works",
                   seconds=round(time.monotonic() - began, 2))
