"""What of this server can be reached from outside: its containers' sockets, and the engine's own."""

from collections.abc import Iterable, Iterator, Mapping

from .bindings import bindings, outside
from .checks import Check, judged, listed, unchecked
from .host import HostFacts, Listener
from .inspect import Entry, is_running, name_of
from .promises import Promises

_PROXY = "docker-proxy"
_ENGINES = {"dockerd", "containerd"}
_LOOPBACK = ("127.", "::1")
_MEND = "Find its container by `docker ps`, remove it, and run `make up`."


def of_others(containers: Iterable[Entry], judged_ones: Iterable[Entry]) -> frozenset[str]:
    """Return what containers publish that are left alone, as the host has it."""
    names = {name_of(entry) for entry in judged_ones}
    return frozenset(outside(port) for entry in containers if name_of(entry) not in names
                     for port in bindings(entry["NetworkSettings"].get("Ports")))


def checks(promises: Promises, containers: Iterable[Entry], facts: HostFacts,
           others: frozenset[str] = frozenset()) -> Iterator[Check]:
    """Judge the published ports of all judged containers together, and who listens on the machine."""
    running = [entry for entry in containers if is_running(entry)]
    yield judged("ports", "only stealth-caddy publishes any (CIS 5.9)", _publishers(running), _MEND)
    yield judged("ports", "all promised ones are published", _missing(promises, running),
                 "Run `make up`, which publishes them.")
    promise = "the machine listens for containers on the promised ports only"
    inside = {name_of(entry): facts.beside(int(entry["State"]["Pid"]), str(entry["Id"])) for entry in running
              if str(entry["HostConfig"].get("PidMode")) != "host"}
    if why := _hidden(facts, inside):
        yield unchecked("ports", promise, why,
                        "Install iproute2 on the engine's machine, and run it as root or by sudo.")
        return
    own = {pid for pids in inside.values() for pid in pids}
    yield judged("ports", promise, _listening(promises, facts.listeners, own, others), _MEND)
    yield judged("engine", "takes no commands from the network (CIS 2.7)",
                 [f"{name} listens on {shown(socket)}" for socket in facts.listeners for name, _ in socket.holders
                  if name in _ENGINES and not socket.address.startswith(_LOOPBACK)],
                 "Take the tcp:// address out of dockerd's options, and restart it.", kept=_others(facts, own))


def _hidden(facts: HostFacts, inside: Mapping[str, list[int]]) -> str:
    """Return why it cannot be told who listens; empty if it can."""
    if not facts.is_root:
        return "this user may not see who listens"
    if unknown := [name for name, pids in inside.items() if not pids]:
        return f"the processes of {listed(unknown)} cannot be told from others"
    return "" if facts.listeners else "no program `ss` there"


def shown(socket: Listener) -> str:
    """Return a socket as ports are written everywhere here."""
    return f"{socket.address}:{socket.port}/{socket.transport}"


def _publishers(running: Iterable[Entry]) -> Iterator[str]:
    for entry in running:
        if name_of(entry) != "stealth-caddy" and (ports := bindings(entry["NetworkSettings"].get("Ports"))):
            yield f"{name_of(entry)} publishes {listed(ports)}"


def _missing(promises: Promises, running: Iterable[Entry]) -> list[str]:
    if promises.is_stopped("stealth-caddy"):
        return []
    published = {port for entry in running for port in bindings(entry["NetworkSettings"].get("Ports"))}
    return [f"{port} is not" for port in sorted(promises.published() - published)]


def _listening(promises: Promises, sockets: Iterable[Listener], inside: set[int],
               others: frozenset[str]) -> Iterator[str]:
    reachable = {outside(port) for port in promises.published()} | others
    for socket in sockets:
        for name, pid in socket.holders:
            if (name == _PROXY or pid in inside) and shown(socket) not in reachable:
                yield f"{name} listens on {shown(socket)}"


def _others(facts: HostFacts, inside: set[int]) -> str:
    """Tell what else can be reached on the machine: no promise of ours, and still good to know at night."""
    found = {f"{socket.port}/{socket.transport} {name}" for socket in facts.listeners for name, pid in socket.holders
             if name != _PROXY and pid not in inside and not socket.address.startswith(_LOOPBACK)}
    return f"yes; other programs of the machine listen on {listed(found)}" if found else "yes"
