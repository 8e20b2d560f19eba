"""Checks of the containers: those that do not run, restart for ever, run out of memory, or fail their check."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from .. import usage
from ..services import MISSING, Service
from ..words import mebibytes, printable
from .findings import Case, Finding, Repair

_MANY_RESTARTS = 3
_LAST_LINES = 5
_NEARLY_FULL = 0.9
_MORE_MEMORY = "pulumi config set resourceProfile standard, then make up"


def check(case: Case) -> Iterator[Finding]:
    """Look at each service that shall run."""
    if not case.is_deployed:
        yield Finding(check="containers", name="nothing-deployed", fault="Nothing is deployed here.", fix="make up")
        return
    for service in case.services:
        if not service.stopped:
            yield from _of_memory(case, service)
            yield from _of_state(case, service)
            yield from _of_policy(case, service)
        elif service.runs:
            yield _found(service, "runs-though-stopped", "runs, but is to be stopped", f"ops stop {service.name}")
    yield from _of_checks(case)
    yield from _of_usage(case)


def _of_memory(case: Case, service: Service) -> Iterator[Finding]:
    limit = mebibytes(service.memory_limit_bytes)
    if service.out_of_memory and not service.runs:
        yield _found(service, "container-out-of-memory",
                     f"was ended by the kernel when it used its {limit} MiB of memory", _MORE_MEMORY)
        return
    container = str(case.entries.get(service.name, {}).get("Id", "no container"))
    kills = case.facts.kills if case.facts else []
    began = (datetime.now(UTC) - service.since).total_seconds() if service.since else 0.0
    programs = sorted({kill.program for kill in kills if kill.container == container and kill.age_seconds < began})
    if programs or service.out_of_memory:
        yield _found(service, "container-out-of-memory",
                     f"used its {limit} MiB of memory since it was started, and the kernel ended "
                     f"{', '.join(map(printable, programs)) or 'a part of it'}",
                     f"{_MORE_MEMORY}; ops restart {service.name} if it was once only")


def _of_state(case: Case, service: Service) -> Iterator[Finding]:
    begin = case.by_docker(f"starts {service.container}", "start", service.container)
    if service.state == "restarting" or service.restarts >= _MANY_RESTARTS:
        yield _found(service, "restart-loop",
                     f"has ended {service.restarts} times and was started again, last with exit code "
                     f"{service.exit_code}", f"ops logs {service.name} 200, and when it is mended ops restart "
                                             f"{service.name}", _last_lines(case, service))
    elif service.state == MISSING:
        yield _found(service, "container-missing", "has no container", "make up", repair=case.by_deploy())
    elif service.state == "paused":
        yield _found(service, "container-paused", "is paused", f"ops start {service.name}", repair=case.by_docker(
            f"lets {service.container} go on", "unpause", service.container))
    elif service.state == "created":
        said = f": {printable(service.said)}" if service.said else ""
        yield _found(service, "container-not-started", f"was never started{said}", f"ops start {service.name}",
                     repair=begin)
    elif not service.runs:
        yield _found(service, "container-ended", f"does not run: it is {service.state}, with exit code "
                                                 f"{service.exit_code}",
                     f"ops start {service.name}", _last_lines(case, service), repair=begin)
    elif service.health == "unhealthy":
        yield _found(service, "container-unhealthy",
                     f"is unhealthy: its check said {printable(service.said) or 'nothing'}",
                     f"ops restart {service.name}", _last_lines(case, service), repair=_again(case, service))


def _of_policy(case: Case, service: Service) -> Iterator[Finding]:
    host = case.entries.get(service.name, {}).get("HostConfig") or {}
    policy = (host.get("RestartPolicy") or {}).get("Name", "always")
    if policy != "always":
        words = ("update", "--restart", "always", service.container)
        yield _found(service, "restart-policy", "would not come back after a restart of the engine: its restart policy "
                                                f"is {policy}", f"docker {' '.join(words)}",
                     repair=case.by_docker(f"gives {service.container} its restart policy back", *words))


def _of_checks(case: Case) -> Iterator[Finding]:
    """Run the checks of those that the engine calls healthy now: its verdict can be a minute and a half old."""
    healthy = [service for service in case.services if service.runs and service.health == "healthy"]
    with ThreadPoolExecutor() as pool:
        said_by_each = pool.map(case.engine.check, (service.container for service in healthy))
        for service, said in zip(healthy, said_by_each, strict=True):
            if said and not service.stopped:
                yield _found(service, "check-fails", f"fails its check now: {printable(said)}",
                             f"ops restart {service.name}", _last_lines(case, service), repair=_again(case, service))


def _of_usage(case: Case) -> Iterator[Finding]:
    running = {service.container: service for service in case.services if service.runs}
    for name, used in usage.measure(case.engine, list(running)).items():
        limit = running[name].memory_limit_bytes
        if limit and used.memory_bytes > _NEARLY_FULL * limit:
            yield _found(running[name], "memory-nearly-full",
                         f"uses {mebibytes(used.memory_bytes)} of its {mebibytes(limit)} MiB of memory", _MORE_MEMORY)


def _again(case: Case, service: Service) -> Repair:
    return case.by_docker(f"restarts {service.container}", "restart", "--time", "10", service.container)


def _last_lines(case: Case, service: Service) -> str:
    done = case.engine.ask("logs", "--tail", str(_LAST_LINES), service.container)
    return "\n".join(map(printable, (done.stdout + done.stderr).splitlines()))


def _found(service: Service, name: str, fault: str, fix: str, details: str = "",
           repair: Repair | None = None) -> Finding:
    return Finding(check="containers", name=name, fault=f"{service.name} {fault}.", fix=fix, details=details,
                   subject=service.name, repair=repair)
