"""The documented departures from the CIS Docker Benchmark; exceptions.toml is the one place where they stand."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("exceptions.toml")


@dataclass(frozen=True, kw_only=True)
class Departure:
    """One departure, with all that it allows."""

    cis: tuple[str, ...]
    """Recommendations of the CIS Docker Benchmark 1.6.0 that it departs from."""

    services: tuple[str, ...]
    departure: str
    reason: str
    allowed: Mapping[str, Any]
    """What the services may have: ports, user, capabilities, devices, restart, registries."""


def read() -> tuple[Departure, ...]:
    """Read the table."""
    rows = tomllib.loads(TABLE.read_text())["exceptions"]
    return tuple(Departure(**row | {"cis": tuple(row["cis"]), "services": tuple(row["services"])}) for row in rows)
