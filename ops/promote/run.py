"""A promotion from its begin on: what must be true first, the images' way, and then an update like any other.

Once the journal is written, `ops update --continue` goes on with it and `ops rollback` takes it back (decision 0028).
"""

from collections.abc import Callable

from .. import output
from ..backup.commands import make
from ..carrying import carry
from ..docker import Engine
from ..errors import OperatorError
from ..target import Target, settings
from ..update.journal import READY, Journal
from ..update.run import Run
from ..update.versions import Move
from . import placing, shared
from .carried import refuse_missing, running
from .pin import Pin, name_of, short


class Promotion(Run):
    """The way of one pinned set to one stack."""

    def __init__(self, pin: Pin, name: str, show: Callable[[str], None]) -> None:
        super().__init__(name, show)
        self._pin = pin

    def bring(self, *, downgrade: bool, with_backup: bool, database_copied: bool) -> None:
        """Deploy just what is pinned, or change nothing and raise OperatorError; a gate that fails goes back."""
        pin = self._pin
        self._refuse_other_code()
        shared.refuse_differing(pin.configuration, pin.stack, shared.of(settings(self._name)), self._name)
        source, target = self._source(), self._ready()
        origin, goal = self._origin(), self._checkout.head()
        if not downgrade:
            self._refuse_older(origin, goal)
        Move(self._checkout, self._stack, target).judge(origin, goal, downgrade=True, database_copied=database_copied)
        if not self._judge(target):
            self._show(f"{self._name} runs just what is pinned already.")
            return
        self._carry(source, Engine(target.docker_host))
        self._start(Journal(stack=self._name, origin=origin, goal=goal, phase=READY,
                            backup=make(self._name) if with_backup else ""),
                    self._stack.call("stack", "export"), pin.document())
        self._tell()

    def _refuse_other_code(self) -> None:
        """Raise OperatorError unless the set is committed, and the code that is checked out is the one it is of."""
        pin, file = self._pin, name_of(self._pin.stack)
        head = self._checkout.head()
        if not self._checkout.is_committed(file):
            raise OperatorError(f"{file} is not as git has it, so nobody has reviewed it. Commit it, or take it back "
                                f"with `git checkout {file}`.")
        self._checkout.refuse_changes()
        if not self._checkout.has(pin.commit) or not self._checkout.is_before(pin.commit, head):
            raise OperatorError(f"{file} is of {pin.commit[:12]}, which is not in the history that is checked out. "
                                "Check out the branch on which the set was reviewed, with all its history.")
        if self._checkout.program(head) != pin.program:
            raise OperatorError(f"the program was changed since {pin.commit[:12]}, which {pin.stack} was pinned with. "
                                f"Deploy it on {pin.stack} and pin that, or check out a commit before the change.")

    def _refuse_older(self, origin: str, goal: str) -> None:
        if not self._checkout.is_before(origin, goal):
            raise OperatorError(f"{self._name} runs {self._checkout.title(origin)}, which does not come before "
                                f"{self._checkout.title(goal)}. Pin something newer, or add --downgrade.")

    def _source(self) -> Engine:
        """Return the engine that the images are on."""
        pin, there, here = self._pin, Target.read(self._pin.stack), Target.read(self._name)
        if there.docker_host == here.docker_host:
            raise OperatorError(f"{pin.stack} and {self._name} are on one engine, {here.docker_host}, which has room "
                                "for one server. Set dockerHost of one of them to another.")
        engine = Engine(there.docker_host)
        engine.version()
        for service, image in sorted(pin.images_for(here).items()):
            if not engine.has_image(image.id):
                raise OperatorError(f"{pin.stack} has the image of {service}, {short(image.id)}, no more. Pin what it "
                                    f"runs now with `ops pin {pin.stack}`, and have that reviewed.")
        return engine

    def _origin(self) -> str:
        """Return the commit to go back to if a gate fails; the present one if its program runs already."""
        commit = str(self._stack.outputs().get("version", ""))
        if not self._checkout.has(commit):
            raise OperatorError(f"nobody knows which version runs on {self._name}, so that nothing could be gone back "
                                f"to. Fetch all of git's history, or run `STACK={self._name} make up` once.")
        return self._checkout.head() if self._checkout.program(commit) == self._pin.program else commit

    def _judge(self, target: Target) -> bool:
        """Preview it, which the policies judge; tell whether there is anything to do."""
        self._show(f"Previewing {self._name}, which the policies judge ...")
        follower = self._stack.run("preview")
        self._show(follower.verdict.sentence())
        export = self._stack.call("stack", "export")
        placing.refuse_other_sources(self._pin, placing.sources(export, follower.planned))
        present = placing.ids(export)
        others = [name for name, image in self._pin.images.items() if present.get(name) != image.id]
        for name in sorted(others):
            self._show(f"  image {name}: {short(present.get(name, ''))} -> {short(self._pin.images[name].id)}")
        for name in sorted(follower.planned):
            if not name.endswith("-image"):
                self._show(f"  {name} would be another one too")
        wanted = {name: self._pin.images[name].id for name in target.services}
        return bool(others or follower.planned or running(Engine(target.docker_host), target) != wanted)

    def _carry(self, source: Engine, target: Engine) -> None:
        wanted = self._pin.images_for(Target.read(self._name))
        lacking = {name: image.id for name, image in sorted(wanted.items())
                   if not target.has_image(image.id)}
        if not lacking:
            self._show(f"All {len(wanted)} images are on {target.host} already.")
            return
        self._show(f"Carrying {', '.join(lacking)} from {source.host} to {target.host} ...")
        if said := carry(source, target, list(lacking.values()), self._show):
            raise OperatorError(f"the images did not reach {target.host}: {said}. Nothing that runs was changed; mend "
                                "that, and run the same command again.")
        for name, identity in lacking.items():
            if not target.has_image(identity):
                # https://github.com/moby/moby/issues/48401
                raise OperatorError(
                    f"the image of {name} was {short(identity)} and has another id on {target.host}. The two engines "
                    "keep images in different ways; set `containerd-snapshotter` in /etc/docker/daemon.json alike on "
                    "both, and deploy and pin anew. Nothing that runs was changed.")

    def _tell(self) -> None:
        refuse_missing(self._engine(), self._pin, Target.read(self._name))
        output.add(images={name: image.id for name, image in self._pin.images.items()})
        self._show(f"{self._name} runs the {len(self._pin.images)} images that {self._pin.stack} was pinned with. "
                   f"The next `make up` of {self._name} keeps them as long as their sources stay as they are.")
