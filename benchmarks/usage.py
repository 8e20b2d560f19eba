"""What containers use, as the engine counts it: the same for control groups of version 1 and 2."""

import json
import subprocess
from collections.abc import Iterable
from typing import Any

_SOCKET = "/var/run/docker.sock"


def _stats(container: str) -> dict[str, Any]:
    # Docker Engine API, GET /containers/{id}/stats; the command line gives percentages only.
    done = subprocess.run(
        ["curl", "--silent", "--fail", "--unix-socket", _SOCKET,
         f"http://docker/containers/{container}/stats?stream=false&one-shot=true"],
        capture_output=True, text=True, check=True, timeout=30)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def cpu_seconds(containers: Iterable[str]) -> float:
    """Return the processor time that the containers have used since they started."""
    return sum(int(_stats(name)["cpu_stats"]["cpu_usage"]["total_usage"]) for name in containers) / 1e9


def working_set_mib(container: str) -> float:
    """Return the memory that the kernel could not take back at once, as `docker stats` counts it."""
    memory = _stats(container)["memory_stats"]
    # Pages of files that nobody has touched of late: the first name is of version 1, the second of version 2.
    idle = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
    return float(memory["usage"] - idle) / 2**20
