"""Check of the public ports: who else holds them, be it a program or a container."""

from collections.abc import Iterator

from ...docker import CADDY
from .findings import Case, Finding


def check(case: Case) -> Iterator[Finding]:
    """Look who holds the public ports on the engine's machine."""
    publishers = case.engine.publishers()
    target = case.target
    for port, transport in ((target.http_port, "tcp"), (target.https_port, "tcp"), (target.https_port, "udp")):
        publisher = publishers.get(f"{port}/{transport}", "")
        if publisher == CADDY:
            continue
        key = "httpPort" if port == target.http_port else "httpsPort"
        rest = f", or choose another port: pulumi config set {key} PORT"
        if publisher:
            yield _taken(f"{port}/{transport}", f"the container {publisher}", f"docker stop {publisher}{rest}")
        elif holder := _holder(case, str(port), transport):
            said, fix = holder
            yield _taken(f"{port}/{transport}", said, fix + rest)


def _holder(case: Case, port: str, transport: str) -> tuple[str, str] | None:
    """Return who listens on a port, and what ends that; None if nobody does."""
    if case.facts is None:
        return None
    for found in case.facts.listeners:
        if (found.port, found.transport) == (port, transport):
            if not found.holders:
                return "a process of another user", f"sudo ss -lp{transport[0]}n 'sport = :{port}' shows it; stop it"
            name, pid = found.holders[0]
            program = case.facts.programs.get(pid, "")
            return f"{name} (process {pid}{f', {program}' if program else ''})", f"sudo kill {pid}"
    return None


def _taken(port: str, holder: str, fix: str) -> Finding:
    return Finding(check="ports", name="port-taken", fix=fix, subject="caddy",
                   fault=f"Port {port} is taken by {holder}, but Caddy needs it.")
