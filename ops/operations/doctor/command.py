"""Runs all checks at once, writes what they found, and mends what may be mended."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from ...docker import Engine
from ...errors import OperatorError
from ...fleet import hosts
from ...target import ROOT, Target
from . import (
    backups,
    certificates,
    containers,
    drift,
    drifted,
    firewall,
    machine,
    names,
    networks,
    ports,
    secrets,
    state,
    volumes,
)
from .findings import Case, Finding, Repair
from .starting import start_engine

CHECKS: dict[str, Callable[[Case], Iterable[Finding]]] = {
    "engine": machine.engine, "kernel": machine.kernel, "ports": ports.check, "clock": machine.clock,
    "disk": machine.disk, "memory": machine.memory, "containers": containers.check, "volumes": volumes.check,
    "networks": networks.check, "firewall": firewall.check, "names": names.check, "resolvers": names.resolvers,
    "certificates": certificates.check, "panel": certificates.panel, "images": drift.images,
    "strangers": drift.strangers, "state": state.check, "watchdog": machine.watchdog,
    "backups": backups.check, "drift": drifted.check, "overlaps of secrets": secrets.overlaps,
}
# What only the server with the panel has, or the whole stack.
_OF_PANEL = {"resolvers", "panel", "state", "watchdog", "backups", "drift", "overlaps of secrets"}
_CONSEQUENCES = {"panel-warns", "certificate-missing"}


def checks_of(host: str) -> list[str]:
    """Return the names of the checks that are made of a further host, or of the panel's own server."""
    return [check for check in CHECKS if not (host and check in _OF_PANEL)]


def run(name: str, deploy: Callable[[], object], host: str = "") -> list[Finding]:
    """Return what all checks found on a stack, in their order; `deploy` is what `make up` does.

    With the name of a further host it is that one which is looked at; raises OperatorError if there is none.
    """
    try:
        target = Target.read(name)
    except OperatorError as error:
        return [Finding(check="configuration", name="configuration-unreadable", fault=str(error),
                        fix=f"git checkout Pulumi.{name}.yaml, or cp Pulumi.prod.yaml Pulumi.{name}.yaml")]
    target = hosts.target(name, host)
    engine = Engine(target.docker_host)
    try:
        engine.version()
    except OperatorError as error:
        # Without the engine no other check says anything true.
        repair = Repair(does="starts the engine", do=start_engine) if target.is_local else None
        return [Finding(check="engine", name="engine-silent", fault=str(error), repair=repair,
                        fix=str(ROOT / "toolchain" / "engine.sh") if repair else
                        f"ssh {target.docker_host.removeprefix('ssh://')} sudo systemctl restart docker")]
    case = Case(engine, target, deploy)
    with ThreadPoolExecutor(len(CHECKS)) as pool:
        # What many checks ask for, once.
        list(pool.map(lambda key: getattr(case, key), ("services", "info", "edge", "settings", "facts")))
        found = list(pool.map(lambda check: _found_by(check, case), checks_of(host)))
    return _told_once([finding for findings in found for finding in findings])


def _found_by(name: str, case: Case) -> list[Finding]:
    try:
        return list(CHECKS[name](case))
    # Whatever it is: on a server in a state that nobody foresaw the other checks are wanted most.
    except Exception as error:
        said = str(error) if isinstance(error, OperatorError) else f"{error!r}, which is a fault of this program."
        return [Finding(check=name, name="check-impossible", fault=f"The check of {name} cannot be made: {said}",
                        fix="ops doctor")]


def mend(findings: list[Finding], show: Callable[[str], None]) -> list[str]:
    """Do what may be done without a person, each thing once, and return what was done."""
    done: list[str] = []
    for repair in (finding.repair for finding in findings):
        if repair is None or repair.does in done:
            continue
        show(f"This {repair.does} ...")
        try:
            repair.do()
            done.append(repair.does)
        except (OperatorError, OSError) as error:
            show(f"That did not work: {error}")
    return done


def lines(findings: list[Finding], host: str = "") -> list[str]:
    """Return the findings for people, each ending with its fix, and a verdict as the last line."""
    shown = [line for finding in findings for line in (
        f"! {finding.fault}", *(f"    {line}" for line in finding.details.splitlines()), f"    -> {finding.fix}")]
    if not findings:
        return [f"Nothing is wrong: looked at {', '.join(checks_of(host))}."]
    repairable = sum(finding.repair is not None for finding in findings)
    share = "it" if len(findings) == 1 else "them" if repairable == len(findings) else f"{repairable} of them"
    rest = f" `ops doctor --fix` mends {share}." if repairable else ""
    return [*shown, f"{len(findings)} {'thing is' if len(findings) == 1 else 'things are'} wrong.{rest}"]


def _told_once(findings: list[Finding]) -> list[Finding]:
    """Leave out what is seen from the panel of a service whose fault was found: it misses what does not answer."""
    ill = {finding.subject for finding in findings if finding.name not in _CONSEQUENCES and finding.subject}
    return [finding for finding in findings if finding.name not in _CONSEQUENCES or finding.subject not in ill]
