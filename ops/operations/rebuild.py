"""Builds images: all that changed, or one anew without what the engine remembers of its last build.

A build anew brings what a pinned source does not hold, such as the packages of the base image; the service is then
replaced, and no other.
"""

import json
from collections.abc import Callable
from typing import Any

from ..docker import Engine
from ..errors import OperatorError
from ..fleet.hosts import refuse_fleet
from ..stack import Stack
from ..target import Target
from . import builds
from .waiting import await_health

_IMAGE = "docker:index/image:Image"


class Builder:
    """The images of one stack."""

    def __init__(self, engine: Engine, target: Target, stack: Stack, show: Callable[[str], None]) -> None:
        self._engine, self._target, self._stack, self._show = engine, target, stack, show
        self._builder = builds.builder_of(target, engine)

    def build(self) -> None:
        """Build the images whose sources changed, and leave all containers as they are."""
        self._stack.prepare()
        self._stack.repair(self._engine)
        # By docker itself: a state with new images beside old containers is one that the policies refuse.
        count = builds.build_for(self._target, self._engine, self._stack.run("preview").planned, self._show)
        self._show(f"{count} images were built. `make up` replaces the services that they are for."
                   if count else "Every image is as its sources are; nothing was built.")

    def rebuild(self, service: str | None) -> None:
        """Build the image of a service, or of each, anew, and replace the service; Caddy comes last."""
        refuse_fleet(self._target.stack)
        self._stack.prepare()
        self._stack.repair(self._engine)
        images = images_of(self._stack.call("stack", "export"))
        chosen = [name for name in images if service in {None, name, f"stealth-{name}"}]
        if not chosen:
            raise OperatorError(f"{service or 'this stack'} has no image in the state. "
                                f"Name one of {', '.join(images) or 'those that `make up` makes'}.")
        for name in chosen:
            self._build_anew(name, images[name])
        names = [word for name in chosen for word in (f"**::stealth-{name}-image", f"**::stealth-{name}-writer",
                                                      f"**::stealth-{name}",
                                                      *(f"**::{also}" for also in builds.ALSO_OF.get(name, ())))]
        names += [f"**::{also}" for also in builds.also_for(self._target)]
        anew = [word for name in chosen for word in ("--replace", f"**::stealth-{name}-image")]
        self._stack.run("up", "--yes", "--skip-preview", *anew, *_targets(*names))
        await_health(self._engine, self._target.stack, self._target.running, "make up")
        self._show(f"{', '.join(chosen)}: built anew and replaced; all services are healthy.")

    def _build_anew(self, service: str, inputs: dict[str, Any]) -> None:
        self._show(f"  image stealth-{service} is being built anew ...")
        if lines := builds.fault_of(self._builder, builds.build_words(inputs)):
            raise OperatorError(f"image stealth-{service} does not build. Mend what its last lines say, and run "
                                f"`ops rebuild {service}` again; what runs was not touched.\n{lines}")


def images_of(export: str) -> dict[str, dict[str, Any]]:
    """Return what the state holds of each service's image by service, Caddy's last; the builder is none of them."""
    resources = json.loads(export)["deployment"].get("resources") or []
    found = {entry["inputs"]["imageName"].partition("/")[2].partition(":")[0]: entry["inputs"]
             for entry in resources if entry["type"] == _IMAGE and not entry.get("delete")}
    return {name: found[name] for name in sorted(found, key=lambda name: (name == "caddy", name)) if name != "builder"}


def _targets(*patterns: str) -> list[str]:
    return [word for pattern in patterns for word in ("--target", pattern)]
