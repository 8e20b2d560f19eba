"""`ops verify`: asks the state what was promised and the engine what is there, and compares."""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor

from ..docker import Engine
from ..errors import OperatorError
from ..stack import Stack
from ..target import Target, settings
from . import deployed, hunt, images, networks, ports, processes, rights
from . import engine as engine_checks
from .checks import Check, judged
from .host import HostFacts
from .inspect import Entry, Observed, is_running, name_of, touches
from .known import secrets_of
from .promises import Promises
from .state import State


def run(name: str, stack: Stack, beside: Collection[str] = (), *, only_own: bool = False) -> list[Check]:
    """Compare; raises OperatorError when state or engine cannot be read.

    Every container on the engine is judged, but those named by `beside`, which shall only keep away from the server
    and its secrets. With `only_own` other containers are left alone unless they touch the server.
    """
    engine = Engine(Target.read(name).docker_host)
    with ThreadPoolExecutor() as pool:
        export = pool.submit(stack.call, "stack", "export", "--show-secrets")
        observed = Observed.of(engine)
        running = [entry for entry in observed.containers if is_running(entry)]
        facts = HostFacts.of(engine, [int(entry["State"]["Pid"]) for entry in running], _PARAMETERS)
        state = State.parse(export.result())
    promises = Promises(stack=name, settings=settings(name), state=state)
    if not promises.containers:
        raise OperatorError(f"stack {name} has no server to verify. Deploy one with `make up`.")
    looked_at = [entry for entry in observed.containers if _is_judged(entry, promises, beside, only_own=only_own)]
    return [*_of_containers(promises, observed, looked_at, facts),
            *ports.checks(promises, looked_at, facts), *networks.checks(promises, observed),
            *images.checks(promises, observed), *engine_checks.checks(promises, observed),
            *hunt.checks(secrets_of(state, stack.passphrase()), stack, engine, observed, looked_at, facts)]


_PARAMETERS = ("net.ipv4.ip_forward", "net.ipv4.conf.all.src_valid_mark", "net.ipv6.conf.all.forwarding")


def _is_judged(entry: Entry, promises: Promises, beside: Collection[str], *, only_own: bool) -> bool:
    ids = {title: made.id for title, made in promises.containers.items()}
    if touches(entry, promises.stack, ids):
        return True
    return not only_own and name_of(entry) not in beside


def _of_containers(promises: Promises, observed: Observed, looked_at: list[Entry],
                   facts: HostFacts) -> Iterator[Check]:
    found = {name_of(entry): entry for entry in looked_at}
    by_image = {str(entry["Id"]): entry for entry in observed.images}
    wanted = sorted({*promises.services, *promises.containers})
    for name in wanted:
        missing = [] if name in found else ["the engine has no such container"]
        missing += [] if name in promises.containers else ["the state knows no such container"]
        yield judged(name, "exists", missing, "Run `make up`, which makes it.")
    has_apparmor = engine_checks.has_apparmor(observed)
    has_cgroups = engine_checks.has_cgroup_namespaces(observed)
    for name, entry in sorted(found.items()):
        allowed, remedy = promises.allowed(name), _remedy(name, is_ours=name in promises.containers)
        if name in promises.containers:
            yield from deployed.checks(promises, entry, by_image.get(str(entry["Image"])), remedy)
        else:
            yield judged(name, "was made by the deploy", ["nobody promised it"], remedy)
        yield from rights.checks(entry, allowed, remedy)
        yield rights.of_cgroups(entry, has_namespaces=has_cgroups, remedy=remedy)
        if is_running(entry):
            yield from processes.checks(entry, allowed, promises, facts, has_apparmor=has_apparmor, remedy=remedy)


def _remedy(name: str, *, is_ours: bool) -> str:
    if is_ours:
        return f"Remove it by `docker rm --force {name}`, and run `make up`, which makes it anew."
    return (f"Remove it by `docker rm --force {name}`; if it is meant to run beside the server, say "
            f"`ops verify --beside {name}`.")
