"""Checks of the containers: those that do not run, restart for ever, run out of memory, or fail their check."""

from collections.abc import Iterator

from .. import usage
from ..services import MISSING, Service
from ..words import mebibytes, printable
from .findings import Case, Finding

_MANY_RESTARTS = 3
_LAST_LINES = 5
_NEARLY_FULL = 0.9


def check(case: Case) -> Iterator[Finding]:
    """Look at each service that shall run."""
    if not case.is_deployed:
        yield Finding(check="containers", fault="Nothing is deployed here.", fix="make up")
        return
    for service in case.services:
        if service.stopped:
            if service.runs:
                yield _found(service, "runs, but is to be stopped", f"ops stop {service.name}")
            continue
        yield from _of_memory(service)
        yield from _of_state(case, service)
    yield from _of_usage(case)


def _of_memory(service: Service) -> Iterator[Finding]:
    if service.out_of_memory:
        limit = mebibytes(service.memory_limit_bytes)
        yield _found(service, f"was ended by the kernel when it used its {limit} MiB of memory",
                     "pulumi config set resourceProfile standard, then make up")


def _of_state(case: Case, service: Service) -> Iterator[Finding]:
    if service.state == "restarting" or service.restarts >= _MANY_RESTARTS:
        yield _found(service, f"has ended {service.restarts} times and was started again, last with exit code "
                              f"{service.exit_code}", f"ops logs {service.name} 200, and when it is mended ops restart "
                                                      f"{service.name}", _last_lines(case, service))
    elif service.state == MISSING:
        yield _found(service, "has no container", "make up")
    elif service.state == "paused":
        yield _found(service, "is paused", f"ops start {service.name}")
    elif not service.runs:
        yield _found(service, f"does not run: it is {service.state}, with exit code {service.exit_code}",
                     f"ops start {service.name}", _last_lines(case, service))
    elif service.health == "unhealthy":
        yield _found(service, f"is unhealthy: its check said {printable(service.said) or 'nothing'}",
                     f"ops restart {service.name}", _last_lines(case, service))


def _of_usage(case: Case) -> Iterator[Finding]:
    running = {service.container: service for service in case.services if service.runs}
    for name, used in usage.measure(case.engine, list(running)).items():
        limit = running[name].memory_limit_bytes
        if limit and used.memory_bytes > _NEARLY_FULL * limit:
            yield _found(running[name], f"uses {mebibytes(used.memory_bytes)} of its {mebibytes(limit)} MiB of memory",
                         "pulumi config set resourceProfile standard, then make up")


def _last_lines(case: Case, service: Service) -> str:
    done = case.engine.ask("logs", "--tail", str(_LAST_LINES), service.container)
    return "\n".join(map(printable, (done.stdout + done.stderr).splitlines()))


def _found(service: Service, fault: str, fix: str, details: str = "") -> Finding:
    return Finding(check="containers", fault=f"{service.name} {fault}.", fix=fix, details=details)
