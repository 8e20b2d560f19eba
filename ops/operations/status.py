"""`ops status`: each service with what it takes, certificates, watchdog, and one line on whether all is well."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ..docker import Engine
from ..drift.record import Record, is_known
from ..errors import OperatorError
from ..fleet import hosts as fleet
from ..fleet import status as further
from ..fleet.status import HostStatus
from ..panel import Panel
from ..quantities import shown_size
from ..schedule import DRIFT
from ..target import Target
from ..unfinished import unfinished
from ..watchdog.host import State
from . import services, usage
from .services import Service
from .usage import Usage
from .words import mebibytes, printable, span, table

_HEAD = ("SERVICE", "STATE", "HEALTH", "SINCE", "RESTARTS", "CPU", "MEMORY (MiB)", "IMAGE")


@dataclass(frozen=True, kw_only=True)
class Status:
    """A server at one moment."""

    services: list[Service]
    usage: dict[str, Usage]
    certificates: list[dict[str, Any]] | None
    """As the panel tells them (name, expires_at, fault); None if it cannot be asked."""

    warnings: list[str]
    """What the panel itself warns of."""

    watchdog: State
    now: datetime
    unfinished: tuple[str, ...] = ()
    """What has begun and keeps other changes out until it has ended, a sentence each."""

    backup: dict[str, Any] | None = None
    """The last one as the panel tells it (made_at, size_bytes, is_scheduled); None if it knows of none."""

    drift: Record | None = None
    """What the last look for drift found; None if nobody has looked."""

    looks_daily: bool = False
    """Whether this machine looks for drift each day."""

    hosts: tuple[HostStatus, ...] = ()
    """A fleet's further hosts."""

    @property
    def faults(self) -> list[str]:
        """All that is wrong, a sentence each."""
        return [*self.unfinished,
                *(f"{service.name} {service.fault}" for service in self.services if service.fault),
                *filter(None, (_certificate_fault(entry, self.now) for entry in self.certificates or [])),
                *(f"The panel warns: {printable(sentence)}" for sentence in self.warnings
                  if sentence.partition(" ")[0] not in self._stopped and not is_known(sentence, self.drift)),
                *filter(None, [self.watchdog.fault, self.drift.fault if self.drift else ""]),
                *(fault for host in self.hosts for fault in host.faults)]

    @property
    def verdict(self) -> str:
        """Whether all is well, in one line."""
        if all(service.state == services.MISSING for service in self.services):
            return "Nothing is deployed here. Run `make up`."
        wanted = [service for service in self.services if not service.stopped]
        rest = f" Stopped by `ops stop`: {', '.join(sorted(self._stopped))}." if self._stopped else ""
        if not self.faults:
            elsewhere = f", and those of {len(self.hosts)} further hosts" if self.hosts else ""
            return f"All is well: {len(wanted)} services are healthy{elsewhere}.{rest}"
        well = sum(not service.fault for service in wanted)
        return f"Something is wrong: {well} of {len(wanted)} services are healthy, {len(self.faults)} faults.{rest}"

    @property
    def _stopped(self) -> set[str]:
        # The panel misses what cannot answer, and begins its sentence with its name.
        return {service.name for service in self.services if service.stopped}


def look(engine: Engine, target: Target) -> Status:
    """Ask the engine and the panel."""
    found = services.look(engine, target)
    running = [service.container for service in found if service.runs]
    with ThreadPoolExecutor() as pool:
        used = pool.submit(usage.measure, engine, running)
        watchdog = pool.submit(State.of, engine, target.stack)
        others = pool.submit(further.look, fleet.read(target.stack), target)
        overview = _overview(engine) if "stealth-admin" in running else {}
    return Status(services=found, usage=used.result(), certificates=overview.get("certificates"),
                  warnings=overview.get("warnings", []), watchdog=watchdog.result(), now=datetime.now(UTC),
                  unfinished=tuple(one.sentence for one in unfinished(target.stack)), backup=overview.get("backup"),
                  drift=Record.read(target.stack), looks_daily=DRIFT.stands(target.stack),
                  hosts=others.result())


def lines(status: Status) -> list[str]:
    """Return the status for people; the verdict comes last, where a terminal shows it."""
    rows = [_row(service, status.usage.get(service.container), status.now) for service in status.services]
    faults = [] if status.verdict.startswith("Nothing") else [f"! {fault}" for fault in status.faults]
    return [*table([_HEAD, *rows]), "", _certificate_line(status), *_backup_lines(status), *_drift_lines(status),
            printable(status.watchdog.line), *(host.line for host in status.hosts), *faults, status.verdict]


def document(status: Status) -> dict[str, Any]:
    """Return the status for programs."""
    return {
        "well": not status.faults, "verdict": status.verdict, "faults": status.faults,
        "services": [asdict(service) | {"since": service.since.isoformat() if service.since else None,
                                        "usage": _as_dict(status.usage.get(service.container))}
                     for service in status.services],
        "certificates": status.certificates, "backup": status.backup,
        "drift": status.drift.document() if status.drift else None, "watchdog": asdict(status.watchdog),
        **({"hosts": [host.document() for host in status.hosts]} if status.hosts else {})}


def _as_dict(used: Usage | None) -> dict[str, Any] | None:
    return asdict(used) if used else None


def _row(service: Service, used: Usage | None, now: datetime) -> tuple[str, ...]:
    return (service.name, "stopped" if service.stopped and not service.runs else service.state, service.health or "-",
            span(now - service.since) if service.since else "-", str(service.restarts),
            f"{used.cpus:.2f} of {service.cpus:g}" if used else "-",
            f"{mebibytes(used.memory_bytes)} of {mebibytes(service.memory_limit_bytes)}" if used else "-",
            service.image or "-")


def _overview(engine: Engine) -> dict[str, Any]:
    try:
        found: dict[str, Any] = Panel(engine).call("GET", "/overview")
    except OperatorError as error:
        return {"warnings": [str(error)]}
    return found


def _certificate_fault(entry: dict[str, Any], now: datetime) -> str:
    # One that could not be read is the panel's to warn of: it reads them every few minutes, and before Caddy was there
    # it could read none.
    if not entry["expires_at"] or datetime.fromisoformat(entry["expires_at"]) > now:
        return ""
    return f"The certificate of {entry['name']} has expired. docs/certificates.md says how to find out why."


def _certificate_line(status: Status) -> str:
    known = sorted((datetime.fromisoformat(entry["expires_at"]), entry["name"])
                   for entry in status.certificates or [] if entry["expires_at"])
    if not known:
        return "Certificates: not known, because the panel cannot tell."
    ends, name = known[0]
    left = f"in {span(ends - status.now)}" if ends > status.now else "past"
    unread = len(status.certificates or []) - len(known)
    others = f" and {unread} not read yet" if unread else ""
    return f"Certificates: {len(known)}{others}, the first to end is {name} on {ends:%Y-%m-%d %H:%M} UTC ({left})."


def _backup_lines(status: Status) -> list[str]:
    if not status.backup or not status.backup["made_at"]:
        return []
    age = span(status.now - datetime.fromisoformat(status.backup["made_at"]))
    daily = "one is made each day" if status.backup["is_scheduled"] else "none is made by itself"
    return [f"Last backup: {age} ago, {shown_size(status.backup['size_bytes'])}; {daily}."]


def _drift_lines(status: Status) -> list[str]:
    """Return when no drift was found; what was found is a fault."""
    if not status.drift or status.drift.fault:
        return []
    daily = "looked for each day" if status.looks_daily else "not looked for by itself"
    return [f"Drift: none {span(status.now - status.drift.at)} ago; it is {daily}."]
