"""Traffic that is not counted now: operators must know, for quotas are not enforced meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..protocols import PROTOCOLS, engine_key, engine_name
from ..store.models import MAIN

NOT_WRITTEN = "the panel cannot write down what it reads; look at `docker logs stealth-admin`."


@dataclass(frozen=True, kw_only=True)
class Uncounted:
    """Traffic of one engine, or some of it."""

    engine: str
    """As engine_key calls it."""

    began_at: datetime
    fault: str
    """A sentence without its subject, which is the engine, with what to do."""


def following(
    before: Mapping[str, Uncounted], faults: Mapping[str, str], now: datetime, host: str = MAIN,
) -> dict[str, Uncounted]:
    """Return what is not counted of a host after another look, by engine; faults are those of that look."""
    return {engine: Uncounted(
        engine=engine_key(host, engine), began_at=before[engine].began_at if engine in before else now, fault=fault)
        for engine, fault in faults.items()}


def refusals(refused: Sequence[tuple[int, str]]) -> dict[str, str]:
    """Return a fault for each engine of which counters were refused; these are a user and a protocol each."""
    by_engine: dict[str, list[tuple[int, str]]] = {}
    for user, protocol in sorted(refused):
        by_engine.setdefault(PROTOCOLS[protocol].engine, []).append((user, protocol))
    return {engine: _refusal(*own[0], len(own)) for engine, own in by_engine.items()}


def _refusal(user: int, protocol: str, number: int) -> str:
    return (f"{number} of its counters cannot be, the first of them {engine_name(user)}'s by {protocol}; "
            "restart its container, so that they begin at zero.")
