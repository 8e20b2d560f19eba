"""What is wrong as long as it lasts, and needs an operator."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ..backups import Backup
from ..drift import Drift
from ..engines import Certificate, Engine, Overview, Uncounted
from ..fleet import HostHealth
from ..protocols import host_and_engine

ENGINE_PATIENCE_SECONDS = 120
"""How long an engine may lack users: a restart or a deploy takes less."""

COUNTING_PATIENCE = timedelta(minutes=2)
"""How long traffic may be uncounted: nothing of it is lost as long as the engine lives."""

CERTIFICATE_PATIENCE = timedelta(minutes=10)
"""How long a certificate may be unreadable: a restart of the web server or its first certificates take less."""

_NOTICES = (("certificate_expires", timedelta(days=14)), ("certificate_expires_soon", timedelta(days=3)))
_UNREADABLE = "certificate_unreadable"
_ENGINE_FAILED = "engine_failed"
_UNCOUNTED = "traffic_uncounted"
_MOST_SUBJECTS = 5
_LEAST_FREE_BYTES = 200 * 2**20
_LEAST_FREE_PART = 0.05


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Something that is wrong now."""

    kind: str
    about: str
    """Which of its kind, such as an engine's name."""

    sentence: str
    """For operators: subject, fault, and what to do."""

    ending: str
    """What they are told when it is over."""

    @property
    def key(self) -> str:
        """What makes it the same condition at another look."""
        return _key(self.kind, self.about)


def found(
    overview: Overview, now: datetime, store: Path | None, audit_broken_at: int | None,
) -> Iterator[Condition]:
    """Return all that is wrong; store is SQLite's file, which PostgreSQL has not."""
    away = {host.name for host in overview.away}
    for host in overview.away:
        yield _of_host(host)
    for engine in overview.engines:
        if engine.host not in away:
            yield from _of_engine(engine)
    for traffic in overview.uncounted:
        if host_and_engine(traffic.engine)[0] not in away:
            yield from _of_traffic(traffic, now)
    for certificate in overview.certificates:
        yield from _of_certificate(certificate, now)
    if overview.backup is not None and overview.backup.is_overdue(now):
        yield _of_backup(overview.backup)
    if overview.drift is not None:
        yield _of_drift(overview.drift)
    if store is not None:
        yield from _of_disk(store)
    if audit_broken_at is not None:
        yield Condition(
            kind="audit_broken", about="audit",
            sentence="The audit log was changed by somebody else than the panel, at or before its entry "
                     f"{audit_broken_at}; compare it with a copy from before.",
            ending="The audit log is whole again.")


def undecided(overview: Overview) -> set[str]:
    """Return the keys of the conditions of which nobody knows now whether they hold; none of them is over, then."""
    keys = set()
    for certificate in overview.certificates:
        if certificate.expires_at is None:
            keys |= {_key(kind, certificate.name) for kind, _ in _NOTICES}
        # Patience begins anew with the panel.
        if certificate.expires_at is None or certificate.fault:
            keys.add(_key(_UNREADABLE, certificate.name))
    # What is told of a host that does not answer at all says enough of its engines.
    away = {host.name for host in overview.away}
    keys |= {_key(kind, engine.name) for engine in overview.engines if engine.host in away
             for kind in (_ENGINE_FAILED, _UNCOUNTED)}
    return keys


def _key(kind: str, about: str) -> str:
    return f"{kind} {about}"


def _of_host(host: HostHealth) -> Condition:
    return Condition(
        kind="host_away", about=host.name,
        sentence=f"Host {host.name} does not answer, so users are not told of it while another host answers, and it "
                 "lacks changes of users; run `ops status`, and drain or replace a host that will not come back.",
        ending=f"Host {host.name} answers again.")


def _of_engine(engine: Engine) -> Iterator[Condition]:
    if engine.state == "failed" and engine.lag_seconds >= ENGINE_PATIENCE_SECONDS:
        yield Condition(
            kind=_ENGINE_FAILED, about=engine.name, sentence=f"{engine.name} lacks changes of users: {engine.fault}",
            ending=f"{engine.name} has all users again.")


def _of_traffic(traffic: Uncounted, now: datetime) -> Iterator[Condition]:
    if now - traffic.began_at >= COUNTING_PATIENCE:
        yield Condition(
            kind=_UNCOUNTED, about=traffic.engine,
            sentence=f"Traffic of {traffic.engine} is not counted, so no quota stops it: {traffic.fault}",
            ending=f"All traffic of {traffic.engine} is counted again.")


def _of_certificate(certificate: Certificate, now: datetime) -> Iterator[Condition]:
    for kind, notice in _NOTICES:
        if certificate.is_due(now, notice):
            yield Condition(
                kind=kind, about=certificate.name,
                sentence=f"The certificate of {certificate.name} expires on "
                         f"{certificate.expires_at:%Y-%m-%d at %H:%M} UTC and was not renewed"
                         f"{', as far as it could be read' if certificate.fault else ''}; "
                         "docs/certificates.md says how to find out why.",
                ending=f"The certificate of {certificate.name} was renewed or is shown no more.")
    if certificate.fault_began_at is not None and now - certificate.fault_began_at >= CERTIFICATE_PATIENCE:
        yield Condition(
            kind=_UNREADABLE, about=certificate.name,
            sentence=f"{certificate.name}: {certificate.fault.removesuffix('.')}, so nobody knows whether it was "
                     "renewed; docs/certificates.md says how to find out why.",
            ending=f"The certificate of {certificate.name} can be read again or is shown no more.")


def _of_backup(backup: Backup) -> Condition:
    fault = f"The last backup was made on {backup.made_at:%Y-%m-%d at %H:%M} UTC" if backup.made_at else \
        f"No backup was made since {backup.expected_since:%Y-%m-%d at %H:%M} UTC"
    return Condition(
        kind="backup_overdue", about="backup", sentence=f"{fault}; run `make backup`, and mend what it says.",
        ending="A backup was made again.")


def _of_drift(drift: Drift) -> Condition:
    more = len(drift.subjects) - _MOST_SUBJECTS
    named = ", ".join(drift.subjects[:_MOST_SUBJECTS]) + (f" and {more} more" if more > 0 else "")
    return Condition(
        kind="drift_found", about="server",
        sentence=f"Drift was found on {drift.found_at:%Y-%m-%d at %H:%M} UTC: {named}; run `ops drift`, which shows "
                 "what was changed past the code.",
        ending="The server is again as it was deployed.")


def _of_disk(store: Path) -> Iterator[Condition]:
    disk = shutil.disk_usage(store.parent)
    if disk.free < min(_LEAST_FREE_BYTES, disk.total * _LEAST_FREE_PART):
        yield Condition(
            kind="disk_nearly_full", about="store",
            sentence=f"The disk of the panel's store has {disk.free // 2**20} MiB left; make room on the server.",
            ending="The disk of the panel's store has room again.")
