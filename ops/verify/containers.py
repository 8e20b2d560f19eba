"""Which containers are judged, and all rules for one of them together."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator

from . import deployed, engine, processes, rights
from .checks import Check, Verdict, judged
from .host import HostFacts
from .inspect import Entry, Observed, is_running, name_of, publishes, touches
from .promises import Promises

# A health check's process has the engine's own rights until it has begun: for some ten milliseconds.
_LOOKS = 4
_PAUSE_SECONDS = 0.3


def chosen(promises: Promises, observed: Observed, beside: Collection[str], *, only_own: bool) -> list[Entry]:
    """Return the containers to judge; see command.run."""
    ids = {title: made.id for title, made in promises.containers.items()}
    folder = str(observed.info.get("DockerRootDir", "/var/lib/docker"))
    return [entry for entry in observed.containers if touches(entry, promises.stack, ids, folder)
            or (not only_own and (publishes(entry) or name_of(entry) not in beside))]


def checks(promises: Promises, observed: Observed, entries: Iterable[Entry]) -> Iterator[Check]:
    """Judge each container that was promised or found by what the engine tells of it."""
    entries = list(entries)
    yield from of_deploy(promises, observed, entries)
    has_cgroups = engine.has_cgroup_namespaces(observed)
    for entry in entries:
        name = name_of(entry)
        remedy = _remedy(promises, name)
        yield from rights.checks(entry, promises.allowed(name), remedy)
        yield rights.of_cgroups(entry, has_namespaces=has_cgroups, remedy=remedy)


def of_deploy(promises: Promises, observed: Observed, entries: Iterable[Entry]) -> Iterator[Check]:
    """Judge whether each container is there, was made by the deploy, and is as it made it."""
    found = {name_of(entry): entry for entry in entries}
    by_image = {str(entry["Id"]): entry for entry in observed.images}
    for name in sorted({*promises.services, *promises.containers}):
        missing = [] if name in found else ["the engine has no such container"]
        missing += [] if name in promises.containers else ["the state knows no such container"]
        yield judged(name, "exists", missing, "Run `make up`, which makes it.")
    for name, entry in found.items():
        remedy = _remedy(promises, name)
        if name in promises.containers:
            yield from deployed.checks(promises, entry, by_image.get(str(entry["Image"])), remedy)
        else:
            yield judged(name, "was made by the deploy", ["nobody promised it"], remedy)


def of_processes(promises: Promises, observed: Observed, entries: Iterable[Entry],
                 facts: HostFacts) -> Iterator[Check]:
    """Judge the processes of all running containers."""
    has_apparmor = engine.has_apparmor(observed)
    for entry in filter(is_running, entries):
        name = name_of(entry)
        yield from processes.checks(entry, promises.allowed(name), promises, facts, has_apparmor=has_apparmor,
                                    remedy=_remedy(promises, name))


def settled(look: Callable[[], HostFacts], judge: Callable[[HostFacts], Iterable[Check]],
            pause_seconds: float = _PAUSE_SECONDS) -> HostFacts:
    """Return what the machine tells, looking again while something differs: what is true stays so."""
    for _ in range(_LOOKS - 1):
        facts = look()
        if not any(check.verdict is Verdict.DIFFERS for check in judge(facts)):
            return facts
        time.sleep(pause_seconds)
    return look()


def _remedy(promises: Promises, name: str) -> str:
    if name in promises.containers:
        return f"Remove it by `docker rm --force {name}`, and run `make up`, which makes it anew."
    return (f"Remove it by `docker rm --force {name}`; if it is meant to run beside the server, say "
            f"`ops verify --beside {name}`.")
