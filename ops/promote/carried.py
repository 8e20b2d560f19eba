"""The way to a pinned set, once its images are on the engine: that of an update, but nothing is built."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..docker import Engine, last_line
from ..errors import OperatorError
from ..stack import Stack
from ..target import Target
from ..update.forward import ORDER, Forward, services_of
from . import placing
from .pin import Pin, short


class Carried(Forward):
    """A promotion under way; its gates, its checks and its way back are those of every update."""

    def __init__(self, engine: Engine, target: Target, stack: Stack, show: Callable[[str], None], pin: Pin) -> None:
        super().__init__(engine, target, stack, show)
        self._pin = pin
        self._sources: Mapping[str, placing.Inputs] = {}

    def _provide(self, planned: Mapping[str, Mapping[str, Any]]) -> list[str]:
        export = self._stack.call("stack", "export")
        self._sources = placing.sources(export, planned)
        placing.refuse_other_sources(self._pin, self._sources)
        refuse_missing(self._engine, self._pin, self._target)
        present = placing.ids(export)
        changing = {name for name, image in self._pin.images.items() if present.get(name) != image.id}
        services = [name for name in ORDER if name in changing or name in services_of(planned.keys())]
        # Each of the others at its turn: the policies refuse a state whose container is not of the image beside it.
        self._place(self._pin.images.keys() - set(services))
        return services

    def _replace(self, service: str) -> None:
        self._place({service})
        super()._replace(service)

    def _check(self) -> None:
        placing.refuse_others(self._pin, running(self._engine, self._target))
        super()._check()

    def _place(self, services: Collection[str]) -> None:
        for service in sorted(services):
            if service in self._pin.images_for(self._target):
                _name(self._engine, self._pin.images[service].id, self._sources[service]["imageName"])
        export = self._stack.call("stack", "export")
        self._stack.restore(placing.placed(export, self._pin, self._sources, services))


def running(engine: Engine, target: Target) -> dict[str, str]:
    """Return the id of the image that each service's container was made of, as its engine tells."""
    found = {entry["Name"].removeprefix("/stealth-"): str(entry["Image"])
             for entry in engine.inspect_services(target.stack)}
    return {name: found.get(name, "") for name in target.services}


def refuse_missing(engine: Engine, pin: Pin, target: Target) -> None:
    """Raise OperatorError unless every image of the set that an engine must have is there, under its id."""
    for service, image in sorted(pin.images_for(target).items()):
        if not engine.has_image(image.id):
            raise OperatorError(f"the image of {service}, {short(image.id)}, is not on {engine.host}. "
                                f"Run `ops promote {pin.stack} STACK` again, which carries what is missing.")


def _name(engine: Engine, identity: str, name: str) -> None:
    done = engine.ask("tag", identity, name)
    if done.returncode != 0:
        raise OperatorError(f"`docker tag {short(identity)} {name}` failed: {last_line(done.stderr)}. "
                            "Look at that engine with `make doctor`.")
