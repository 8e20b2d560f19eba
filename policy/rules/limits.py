"""What a service may use of its host, so that none takes the others' share."""

import re

from policy.allowlists import GREATEST_CORES, GREATEST_LIMITS, GREATEST_MEMORY_MB, GREATEST_SHARES
from policy.containers import is_job
from policy.making import MEDIUM, About, Faults, on_each
from policy.resources import CONTAINER, Resource

_CORES = re.compile(r"\d+(\.\d+)?")


@on_each(About(
    name="docker-container-configure-memory",
    description="A service has a limit of memory, and no swap beyond it.",
    remedy=f"Set memory to at most {GREATEST_MEMORY_MB} (MB), and memorySwap to the same.",
    severity=MEDIUM, reference="5.11"), CONTAINER)
def memory(container: Resource) -> Faults:
    if is_job(container):
        return
    limit = container.number("memory") or 0
    if not 0 < limit <= GREATEST_MEMORY_MB:
        yield f"it may use {limit or 'all the'} MB of memory"
    if container.number("memorySwap") != limit:
        # Unset it stands for twice the memory.
        yield "it may swap beyond its memory, which slows down all others"


@on_each(About(
    name="docker-container-configure-cpu",
    description="A service has a limit of processor time, and a share of it when cores are short.",
    remedy=f"Set cpus to at most {GREATEST_CORES:g}, cpuShares to at most {GREATEST_SHARES}, and neither cpuQuota, "
           "cpuPeriod nor cpuSet.",
    severity=MEDIUM, reference="5.12"), CONTAINER)
def cpu(container: Resource) -> Faults:
    if is_job(container):
        return
    cores = container.text("cpus")
    if not _CORES.fullmatch(cores) or not 0 < float(cores) <= GREATEST_CORES:
        yield f"it may use {cores or 'all the'} cores"
    if not 0 < (container.number("cpuShares") or 0) <= GREATEST_SHARES:
        yield "it has no share of its own when cores are short"
    for name in ("cpuQuota", "cpuPeriod"):
        if container.number(name):
            yield f"{name} takes the place of cpus"
    if container.text("cpuSet"):
        yield "cpuSet binds it to certain cores"


@on_each(About(
    name="docker-container-configure-ulimits",
    description="A service has limits of open files and of processes.",
    remedy="Give ulimits nofile and nproc, each with a soft and a hard limit; policy/allowlists.py says how high.",
    severity=MEDIUM, reference="5.19, 5.29"), CONTAINER)
def ulimits(container: Resource) -> Faults:
    if is_job(container):
        return
    given = {limit.text("name"): (limit.number("soft") or 0, limit.number("hard") or 0)
             for limit in container.views("ulimits")}
    for name, greatest in GREATEST_LIMITS.items():
        soft, hard = given.get(name, (0, 0))
        if not 0 < soft <= hard <= greatest:
            yield f"it has no limit {name} of at most {greatest}"
