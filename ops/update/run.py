"""An update from its begin to its end, over the change of code: each version does with its own code what it can do.

The checkout changes twice at most: to the new version, and back. After each change the commands of that version go on,
by what the journal says.
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from .. import output, preflight
from ..backup.commands import make
from ..docker import Engine
from ..drift.telling import after_deploy
from ..errors import OperatorError
from ..fleet.hosts import refuse_fleet
from ..promote.carried import Carried
from ..promote.pin import Pin
from ..stack import Stack
from ..target import ROOT, Target
from ..unfinished import half_restored
from ..watchdog.commands import ensure
from . import images, versions
from .back import Back
from .checkout import Checkout
from .forward import Forward
from .journal import BACK, BACK_READY, BEGUN, READY, Journal, interrupted


class Run:
    """The update of one stack."""

    def __init__(self, name: str, show: Callable[[str], None]) -> None:
        self._name, self._show = name, show
        self._stack = Stack(name, show)
        self._checkout = Checkout(show)

    def begin(self, version: str, *, pull: bool, downgrade: bool, with_backup: bool, database_copied: bool) -> None:
        """Choose and judge a version, back the server up, and go there."""
        target = self._ready()
        origin = versions.deployed(self._stack, self._checkout, pulls=pull)
        goal = self._checkout.named(version) if version else \
            self._checkout.newest() if pull else self._checkout.head()
        if goal == origin:
            self._show(f"{self._checkout.title(goal)} runs already, and nothing newer is to be had.")
            return
        versions.Move(self._checkout, self._stack, target).judge(
            origin, goal, downgrade=downgrade, database_copied=database_copied)
        self._show(f"Updating from {self._checkout.title(origin)} to {self._checkout.title(goal)}.")
        self._start(Journal(stack=self._name, origin=origin, goal=goal, backup=make(self._name) if with_backup else ""),
                    self._stack.call("stack", "export"))

    def undo(self, *, with_backup: bool) -> None:
        """Take the last update back."""
        target = self._ready()
        last = Journal.last(self._name)
        if last is None:
            raise OperatorError("no update is known that could be taken back. `ops backup list` shows the backups; "
                                "`ops rollback FILE` goes back to one.")
        versions.Move(self._checkout, self._stack, target).refuse_newer_data(last.origin, last.backup)
        backup = make(self._name) if with_backup else ""
        self._start(Journal(stack=self._name, origin=last.origin, goal=last.goal, phase=BACK, backup=backup,
                            undoes=True, fault="that was wished"), Journal.last_state(self._name))

    def go_on(self, journal: Journal) -> None:
        """Do what the journal says is next."""
        self._stack.prepare()  # which waits for a Pulumi that outlived a killed command
        if journal.phase == BEGUN:
            self._guarded(journal, lambda: self._move(journal, journal.goal, READY))
        elif journal.phase == READY:
            self._guarded(journal, lambda: self._forward(journal))
        else:
            self._go_back(journal)

    def _ready(self) -> Target:
        if sentence := interrupted(self._name):
            raise OperatorError(sentence)
        if half := half_restored(self._name):
            raise OperatorError(half.sentence)
        target = Target.read(self._name)
        refuse_fleet(self._name)
        engine = preflight.check(target)
        if not self._stack.has_resources():
            raise OperatorError(f"stack {self._name} has no server to update. Deploy one with `make up`.")
        self._stack.prepare()
        self._stack.repair(engine)
        self._checkout.head()
        self._checkout.refuse_changes()
        return target

    def _start(self, journal: Journal, state: str, promotion: str = "") -> None:
        if not journal.undoes:
            self._keep(state, images.UNDER_WAY)
        self.go_on(journal.begin(state, self._checkout.stack_files(), promotion))

    def _guarded(self, journal: Journal, step: Callable[[], None]) -> None:
        """Do a step; go back if it fails, or somebody presses Ctrl-C."""
        try:
            step()
        except (OperatorError, KeyboardInterrupt) as error:
            fault = str(error) or "it was interrupted"
            self._show(f"The update fails: {fault}\nGoing back to {self._checkout.title(journal.origin)} ...")
            self.go_on(journal.at(BACK, fault))

    def _move(self, journal: Journal, commit: str, phase: str) -> None:
        self._checkout.move(commit, journal.put_files_back)
        self._checkout.set_up()
        journal.at(phase)
        sys.stdout.flush()
        program = str(ROOT / "scripts" / "ops")
        form = ["--json"] if output.wants_json() else []
        os.execv(program, [program, "--stack", self._name, "update", "--continue", *form])  # noqa: S606 - its own

    def _forward(self, journal: Journal) -> None:
        began = time.monotonic()
        target = Target.read(self._name)
        way = (preflight.check(target), target, self._stack, self._show)
        replaced = (Carried(*way, Pin.parse(journal.promotion)) if journal.promotion else Forward(*way)).go()
        ensure(self._engine(), target, self._show)
        after_deploy(self._name, self._engine(), self._show)
        self._keep(journal.state, images.PREVIOUS)
        self._drop(journal.state, images.UNDER_WAY)
        journal.end_well()
        self._show(f"Updated from {self._checkout.title(journal.origin)} to {self._checkout.title(journal.goal)} in "
                   f"{time.monotonic() - began:.0f} s. Replaced: {', '.join(replaced) or 'nothing'}. "
                   f"Backup: {journal.backup or 'none'}. `ops rollback` goes back.")

    def _go_back(self, journal: Journal) -> None:
        try:
            if journal.phase == BACK:
                self._move(journal, journal.origin, BACK_READY)
            self._back(journal)
        except OperatorError as error:
            raise OperatorError(f"{error}\nThe way back to {self._checkout.title(journal.origin)} has begun and is not "
                                "complete: mend that, and run `ops update --continue`.") from error
        taken = datetime.now(UTC) - datetime.fromisoformat(journal.began_at)
        done = f"{self._checkout.title(journal.origin)} runs again, {taken.total_seconds():.0f} s after the begin."
        if journal.undoes:
            self._show(done)
            return
        raise OperatorError(f"the update to {self._checkout.title(journal.goal)} was taken back, and {done} "
                            f"It failed because {journal.fault}")

    def _back(self, journal: Journal) -> None:
        target = Target.read(self._name)
        Back(self._engine(), target, self._stack, self._show).go(journal.state)
        ensure(self._engine(), target, self._show)
        self._drop(journal.state, images.PREVIOUS if journal.undoes else images.UNDER_WAY)
        journal.forget()

    def _engine(self) -> Engine:
        return Engine(Target.read(self._name).docker_host)

    def _keep(self, state: str, tag: str) -> None:
        images.keep(self._engine(), state, tag)
        for builder in self._builders():
            images.keep_there(builder, state, tag)

    def _drop(self, state: str, tag: str) -> None:
        for engine in (self._engine(), *self._builders()):
            images.drop(engine, state, tag)

    def _builders(self) -> list[Engine]:
        """Return this machine's engine, where it builds for that of the stack."""
        target = Target.read(self._name)
        return [Engine(target.builder)] if target.is_built_elsewhere else []
