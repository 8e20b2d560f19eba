"""What of this server can be reached from outside: its containers' sockets, and the engine's own."""

from collections.abc import Iterable, Iterator

from .checks import Check, judged, listed, unchecked
from .host import HostFacts, Listener
from .inspect import Entry, is_running, name_of
from .promises import Promises
from .rights import bindings

_PROXY = "docker-proxy"
_ENGINES = {"dockerd", "containerd"}
_LOOPBACK = ("127.", "::1")
_MEND = "Find its container by `docker ps`, remove it, and run `make up`."


def checks(promises: Promises, containers: Iterable[Entry], facts: HostFacts) -> Iterator[Check]:
    """Judge the published ports of all containers together, and who listens on the machine."""
    running = [entry for entry in containers if is_running(entry)]
    yield judged("ports", "only stealth-caddy publishes any (CIS 5.9)", _publishers(running), _MEND)
    yield judged("ports", "all promised ones are published", _missing(promises, running),
                 "Run `make up`, which publishes them.")
    promise = "the machine listens for containers on the promised ports only"
    if not facts.is_root or not facts.listeners:
        why = "no program `ss` there" if facts.is_root else "this user may not see who listens"
        yield unchecked("ports", promise, why,
                        "Install iproute2 on the engine's machine, and run it as root or by sudo.")
        return
    inside = {pid for entry in running for pid in facts.beside(int(entry["State"]["Pid"]))
              if str(entry["HostConfig"].get("PidMode")) != "host"}
    yield judged("ports", promise, _listening(promises, facts.listeners, inside), _MEND)
    yield judged("engine", "takes no commands from the network (CIS 2.7)",
                 [f"{name} listens on {shown(socket)}" for socket in facts.listeners for name, _ in socket.holders
                  if name in _ENGINES and not socket.address.startswith(_LOOPBACK)],
                 "Take the tcp:// address out of dockerd's options, and restart it.", kept=_others(facts, inside))


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


def _listening(promises: Promises, sockets: Iterable[Listener], inside: set[int]) -> Iterator[str]:
    for socket in sockets:
        for name, pid in socket.holders:
            if (name == _PROXY or pid in inside) and shown(socket) not in promises.published():
                yield f"{name} listens on {shown(socket)}"


def _others(facts: HostFacts, inside: set[int]) -> str:
    """Tell what else can be reached on the machine: no promise of ours, and still good to know at night."""
    found = {f"{socket.port}/{socket.transport} {name}" for socket in facts.listeners for name, pid in socket.holders
             if name != _PROXY and pid not in inside and not socket.address.startswith(_LOOPBACK)}
    return f"yes; other programs of the machine listen on {listed(found)}" if found else "yes"
