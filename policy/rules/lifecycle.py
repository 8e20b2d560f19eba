"""How a service is watched, started again and heard."""

import re

from policy.allowlists import GREATEST_LOG_MB, LOG_DRIVERS, ONE_SHOT_JOBS, departures
from policy.containers import is_job, is_stopped
from policy.making import MEDIUM, About, Faults, on_each
from policy.resources import CONTAINER, Resource
from policy.view import View

_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_LONGEST_INTERVAL_SECONDS = 60
_LONGEST_START_SECONDS = 600
_MOST_RETRIES = 10
_SIZE = re.compile(r"([1-9]\d*)([kmg])")
_FILES = re.compile(r"[1-9]\d*")
_BYTES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_LOG_OPTIONS = {"max-size", "max-file"}
_RESTART = departures("restart")


@on_each(About(
    name="docker-container-configure-healthcheck",
    description="Docker asks a service at least once a minute whether it works, and a deploy waits for the answer.",
    remedy="Give healthcheck tests, interval and timeout of at most 60s, and retries of at most 10; set wait.",
    severity=MEDIUM, reference="4.6, 5.27"), CONTAINER)
def healthcheck(container: Resource) -> Faults:
    if is_job(container):
        return
    check = container.view("healthcheck")
    command = check.texts("tests")
    if len(command) < 2 or command[0] not in {"CMD", "CMD-SHELL"}:
        yield "nobody asks whether it works"
        return
    for name in ("interval", "timeout"):
        if not 0 < _seconds(check, name) <= _LONGEST_INTERVAL_SECONDS:
            yield f"the {name} of its health check is not between 0 and {_LONGEST_INTERVAL_SECONDS} s"
    if not 0 < (check.number("retries") or 0) <= _MOST_RETRIES:
        yield f"the retries of its health check are not between 1 and {_MOST_RETRIES}"
    if _seconds(check, "startPeriod") > _LONGEST_START_SECONDS:
        yield f"its failed checks count for nothing in the first {_LONGEST_START_SECONDS} s and longer"
    if not container.flag("wait") and not is_stopped(container):
        yield "a deploy does not wait until it works"


@on_each(About(
    name="docker-container-configure-restart",
    description="A service comes back after every crash, of the engine's too; a one-shot job never starts.",
    remedy="Set restart to always and leave start, mustRun and rm; a one-shot job has start and mustRun false. "
           "A service that shall not run is stopped by `ops stop`.",
    severity=MEDIUM, reference="5.15"), CONTAINER)
def restart(container: Resource) -> Faults:
    policy = container.text("restart")
    if container.service in ONE_SHOT_JOBS:
        if not is_job(container) or policy not in {"", "no"}:
            yield "it would be started, but it only carries files"
        return
    if is_stopped(container):
        return
    if policy != _RESTART.get(container.service, "always"):
        yield f"its restart is {policy or 'unset'}, and only always brings it back after a kill of the engine"
    for name in ("start", "mustRun"):
        if container.flag(name) is False:
            yield f"{name} is false, so that nobody notices when it does not run"
    if container.flag("rm"):
        yield "rm removes it when it ends"


@on_each(About(
    name="docker-container-configure-logging",
    description="A service's log cannot fill the disk.",
    remedy="Set logDriver to json-file, and in logOpts max-size (such as 10m) and max-file, together at most "
           f"{GREATEST_LOG_MB}m.",
    severity=MEDIUM, reference="2.13"), CONTAINER)
def logging(container: Resource) -> Faults:
    if is_job(container):
        return
    driver, options = container.text("logDriver"), container.table("logOpts")
    if driver not in LOG_DRIVERS:
        yield f"its log driver is {driver or 'whatever the engine has'}"
        return
    size, files = _SIZE.fullmatch(options.get("max-size", "")), _FILES.fullmatch(options.get("max-file", ""))
    if not size or not files:
        yield "its log does not rotate"
    elif int(size[1]) * _BYTES[size[2]] * int(files[0]) > GREATEST_LOG_MB << 20:
        yield f"its log may hold more than {GREATEST_LOG_MB}m in all its files"
    for name in sorted(options.keys() - _LOG_OPTIONS):
        yield f"its log has the option {name}, by which it may go elsewhere"


def _seconds(view: View, name: str) -> float:
    """Return a duration of Go's; 0 if it is none."""
    text = view.text(name)
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        return 0.0
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
