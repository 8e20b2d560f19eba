"""Stops, starts and restarts services; what was stopped stays so, over deploys and the engine's restarts, till started.

The configuration is written before the engine is asked, and the state told after, so that a run that is cut short
leaves what was wanted: a half-done stop is never undone by the next deploy (decision 0026).
"""

from collections.abc import Callable, Collection

from ..docker import Engine
from ..errors import OperatorError
from ..stack import Stack
from ..target import Target
from . import record, services
from .services import Service
from .waiting import await_health

STOP_SECONDS = 10
_MISSED = {
    "caddy": "Nobody reaches the server, neither the site nor any protocol.",
    "xray": "VLESS does not work, by REALITY or WebSocket; the names that carry it answer as a broken site would.",
    "trojan": "Trojan does not work, and its name answers as a broken site would.",
    "singbox": "ShadowTLS, Hysteria2 and TUIC do not work.",
    "wireguard": "WireGuard does not work, by UDP or WebSocket.",
    "tunnel": "The panel reaches no other host of the fleet; they go on serving, and get no change of users.",
    "admin": "Panel, API and users' links do not answer, and neither quotas nor expiry are enforced; tunnels go on.",
}


class Control:
    """The services of one stack, to be stopped and started."""

    def __init__(self, engine: Engine, target: Target, stack: Stack, show: Callable[[str], None]) -> None:
        self._engine, self._target, self._stack, self._show = engine, target, stack, show

    def stop(self, name: str | None) -> None:
        """Stop a service, or all of them."""
        there = self._chosen(name)
        self._stack.prepare()
        record.write(self._stack, self._target.stopped | {service.name for service in there})
        # Stopped by hand or not, `always` would bring it back with the engine (docs.docker.com, restart policies).
        self._do("update", "--restart", "no", *_containers(there))
        self._do("stop", "--time", str(STOP_SECONDS), *_containers(there))
        self._tell_state(there, run=False)
        for service in there:
            self._show(f"{service.name} is stopped, and stays so until `ops start {service.name}`. "
                       f"{_MISSED[service.name]}")
        left = self._target.running - {service.name for service in there}
        if "admin" in left and any(service.name not in {"admin", "caddy"} for service in there):
            self._show("The panel will warn that the engine lacks changes of users; it brings them when it is back.")

    def start(self, name: str | None) -> None:
        """Start a service, or all of them, and wait until they are healthy; Caddy comes last."""
        there = self._chosen(name)
        self._stack.prepare()
        names = {service.name for service in there}
        record.write(self._stack, self._target.stopped - names)
        self._do("update", "--restart", "always", *_containers(there))
        self._tell_state(there, run=True)
        if paused := [service for service in there if service.state == "paused"]:
            self._do("unpause", *_containers(paused))
        self._in_order("start", there)
        self._show(f"{_listed(names)} healthy.")

    def restart(self, name: str | None) -> None:
        """Restart a service, or all that are not stopped, and wait until they are healthy; Caddy comes last."""
        there = self._chosen(name)
        stopped = [service for service in there if service.name in self._target.stopped]
        if name is not None and stopped:
            raise OperatorError(f"{name} is stopped. Start it with `ops start {name}`.")
        for service in stopped:
            self._show(f"{service.name} is stopped and stays so; `ops start {service.name}` starts it.")
        running = [service for service in there if service not in stopped]
        self._in_order("restart", running)
        self._show(f"{_listed({service.name for service in running})} healthy.")

    def _in_order(self, verb: str, there: list[Service]) -> None:
        grace = ["--time", str(STOP_SECONDS)] if verb == "restart" else []
        for group in _caddy_last(there):
            if group:
                self._do(verb, *grace, *_containers(group))
                await_health(self._engine, self._target.stack, {item.name for item in group}, f"ops {verb}")
        # A restart of Xray makes REALITY's measurement anew, and Caddy's check asks for it.
        caddy = {"caddy"} & self._target.running
        await_health(self._engine, self._target.stack, caddy, f"ops {verb}")

    def _chosen(self, name: str | None) -> list[Service]:
        found = services.chosen(services.look(self._engine, self._target), name)
        there = [service for service in found if service.state != services.MISSING]
        if not there:
            raise OperatorError(f"{name or 'the server'} has no container. Run `make up`.")
        return there

    def _do(self, *words: str) -> None:
        done = self._engine.ask(*words)
        if done.returncode != 0:
            reason = " ".join((done.stderr or done.stdout).split())
            raise OperatorError(f"`docker {' '.join(words)}` failed: {reason}. Look at `ops status`, and try again.")

    def _tell_state(self, there: list[Service], *, run: bool) -> None:
        if fault := record.tell_state(self._stack, {service.name for service in there}, run=run):
            self._show(f"Pulumi's state was not told ({fault}); the next `make up` lists these containers as changed, "
                       "and does nothing to them.")


def _caddy_last(there: list[Service]) -> tuple[list[Service], list[Service]]:
    return [item for item in there if item.name != "caddy"], [item for item in there if item.name == "caddy"]


def _containers(there: list[Service]) -> list[str]:
    return [service.container for service in there]


def _listed(names: Collection[str]) -> str:
    return f"{', '.join(sorted(names)) or 'No service'} {'are' if len(names) > 1 else 'is'}"
