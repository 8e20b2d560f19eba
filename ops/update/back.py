"""The way back to the former version, once its code is here again: its images are kept, so nothing is built.

The present state stays, but for the images: then the former code finds those containers changed that were made of
others, and no more, and what was untouched stays so.
"""

from collections.abc import Callable

from ..docker import Engine
from ..operations import builds
from ..operations.waiting import await_health
from ..stack import Stack
from ..target import Target, settings
from ..verify.state import State
from . import checks, images, store

_AGAIN = "ops update --continue"


class Back:
    """A way back under way."""

    def __init__(self, engine: Engine, target: Target, stack: Stack, show: Callable[[str], None]) -> None:
        self._engine, self._target, self._stack, self._show = engine, target, stack, show

    def go(self, former: str) -> None:
        """Bring the server to what is checked out, with the images of a former state."""
        self._stack.prepare()
        self._stack.repair(self._engine)
        present = self._stack.call("stack", "export")
        changed = images.put_back(self._engine, former, present, builds.builder_of(self._target, self._engine))
        if changed != present:
            self._stack.restore(changed)
        self._put_store_back(former)
        self._stack.run("up", "--yes", "--skip-preview")
        await_health(self._engine, self._target.stack, self._target.running, _AGAIN)
        checks.promises(self._stack, State.parse(self._stack.export()), self._show)

    def _put_store_back(self, former_state: str) -> None:
        """Give the former panel its store, where a newer one has changed the tables."""
        image = images.identity(former_state, "admin")
        running = [entry["Image"] for entry in self._engine.inspect_services(self._target.stack)
                   if entry["Name"] == "/stealth-admin"]
        if running == [image]:
            return
        if settings(self._target.stack)["databaseUrl"]:
            return  # an update that changes its tables was begun only with a copy of the operator's own
        if not self._engine.has_image(image):
            # Somebody has removed it, and the sources are those of before.
            former = images.inputs(former_state, "admin")
            builds.build_for(self._target, self._engine, {"stealth-admin-image": former}, self._show)
            image = former["imageName"]
        if store.go_back(self._engine, self._target.stack, image):
            self._show("The new version has changed the panel's tables; the panel takes back what it had before that.")
