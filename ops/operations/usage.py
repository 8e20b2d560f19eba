"""What each container takes of processor and memory at this moment, by `docker stats`."""

import json
import re
from dataclasses import dataclass

from ..docker import Engine

_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one container takes now."""

    cpus: float
    """Cores, such as 0.25."""

    memory_bytes: int


def measure(engine: Engine, containers: list[str]) -> dict[str, Usage]:
    """Return what the containers take, by name; the engine looks for a second. One that just ended is left out."""
    if not containers:
        return {}
    said = engine.ask("stats", "--no-stream", "--format", "{{json .}}", *containers).stdout
    entries = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return {entry["Name"]: Usage(cpus=float(entry["CPUPerc"].rstrip("%")) / 100,
                                 memory_bytes=_bytes(entry["MemUsage"].partition("/")[0]))
            for entry in entries if "--" not in entry["CPUPerc"]}


def _bytes(text: str) -> int:
    parts = re.fullmatch(r"([\d.]+)([KMGT]?i?B)", text.strip())
    return int(float(parts[1]) * _UNITS[parts[2]]) if parts else 0
