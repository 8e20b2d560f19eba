"""`ops probe`: asks, compares, reports and scores."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from types import FrameType
from typing import Any

import click

from .. import subscription
from ..docker import Engine
from ..errors import OperatorError
from ..stack import Stack
from ..target import Target
from . import compare, firsts, hellos, http, imposters, known, quic, timing
from .compare import Difference
from .known import Known
from .line import Endpoint
from .probes import Probe
from .reference import Site, address_of_server, reference
from .score import Score, as_json, tell

QUICK = ("HTTP/*/page", "TLS/*/TLSv1_[23]", "imposter/* 0 on *")
"""Patterns of some probes of each kind over TCP, which take seconds: what an update asks."""

_SHOWN_CHARACTERS = 600


@dataclass(frozen=True, kw_only=True)
class Result:
    """All that a run found."""

    seed: int
    known: list[Known]
    """Rows of the table of known differences."""

    differences: list[Difference]
    timings: list[timing.Timing]
    score: Score


def run(name: str, server: str, seed: int, show: Callable[[str], None], change: Callable[[str], str] = str,
        only: str | tuple[str, ...] = "*", *, with_timing: bool = True) -> Result:
    """Probe the stack's server, or the one at `server`; raises OperatorError when there is nothing to compare with.

    `only` is a pattern of probes, or several. `change` is made to the plain Caddy's configuration: tests need it.
    """
    target = Target.read(name)
    if not target.is_local:
        raise OperatorError(f"the engine of stack {name} is {target.docker_host}, but the plain Caddy to compare with "
                            "must run beside the probe. Run `make probe` on the server itself.")
    engine = Engine(target.docker_host)
    outputs = Stack(name, show).outputs(with_secrets=True)
    if "authorityCertificate" not in outputs:
        raise OperatorError("the probe compares with certificates of the stack's own authority, but `tls` is acme. "
                            "Probe a stack with `tls: internal` of the same version instead.")
    site = Site(domain=outputs["siteUrl"].removeprefix("https://www.").split("/")[0].split(":")[0],
                https_port=int(str(target.https_port)), change=change)
    links = subscription.links(outputs["subscriptionUrl"], address_of_server(engine), outputs["authorityCertificate"])
    random, known_keys = Random(seed), imposters.Credentials.of(links)
    patterns = (only,) if isinstance(only, str) else only
    probes = [probe for probe in all_probes(random, site.domain, known_keys)
              if any(fnmatchcase(probe.name, pattern) for pattern in patterns)]
    with _termination_as_interrupt(), reference(engine, name, site) as address:
        ours = _endpoint(server or address_of_server(engine), site.domain)
        plain = Endpoint(host=address, domain=site.domain)
        show(f"{len(probes):,} probes of {ours.host} port {ours.port}, and of a plain Caddy; seed {seed}.")
        timings = timing.measure(Random(seed), ours, plain) if with_timing else []
        found = compare.compare(probes, ours, plain, _progress(len(probes), show))
    rows = known.read(known.TABLE.read_text())
    return Result(seed=seed, known=rows, differences=found, timings=timings,
                  score=Score.of([probe.name for probe in probes], found, rows))


def all_probes(random: Random, domain: str, credentials: imposters.Credentials) -> list[Probe]:
    """Return every probe, the same ones for the same seed."""
    return [*hellos.probes(random, domain), *firsts.probes(random, domain),
            *imposters.probes(random, domain, credentials), *http.probes(random, domain, credentials),
            *quic.probes(random, domain)]


def report(result: Result, show: Callable[[str], None]) -> None:
    """Show differences and timing for people; the score is the last line."""
    for item in result.differences:
        row = known.explanation(item, result.known)
        show(f"{item.probe.name}{f' (known: {row.reason})' if row else ''}")
        for field in item.fields:
            show(f"  {field}: {tell(field)}\n    ours:  {_short(getattr(item.ours, field))}\n"
                 f"    plain: {_short(getattr(item.plain, field))}")
    show("Timing (not part of the score):")
    for measured in result.timings:
        show(measured.line())
    show(result.score.line())


def as_document(result: Result) -> str:
    """Return the run as JSON."""
    document: dict[str, Any] = {
        "seed": result.seed, "score": result.score.points, "line": result.score.line(),
        "tcpProbes": result.score.tcp, "udpProbes": result.score.udp,
        "differences": [as_json(item, result.known) for item in result.differences],
        "timing": [{"name": item.label, "measure": item.measure, "oursSeconds": item.ours_seconds,
                    "plainSeconds": item.plain_seconds, "delta": item.delta, "probability": item.probability,
                    "tellsApart": item.tells_apart} for item in result.timings]}
    return json.dumps(document, indent=2)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} ..."


def _endpoint(server: str, domain: str) -> Endpoint:
    host, colon, port = server.partition(":")
    if colon and not (port.isdecimal() and 0 < int(port) < 65536):
        raise OperatorError(f"--server is {server}, but its port is no number up to 65535. Write HOST or HOST:PORT.")
    return Endpoint(host=host, domain=domain, port=int(port) if colon else 443)


def _progress(total: int, show: Callable[[str], None]) -> Callable[[], None]:
    asked = 0

    def tick() -> None:
        nonlocal asked
        asked += 1
        if sys.stderr.isatty():
            click.echo(f"\r{asked:,} of {total:,}", nl=asked == total, err=True)
        elif asked == total:
            show("All are asked; those that differ are asked again.")
    return tick


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end the run as Ctrl-C does, so that the plain Caddy is removed."""
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
