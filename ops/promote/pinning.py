"""Writes down what a stack runs, after it was looked at from all sides: what is not well is pinned by nobody.

Nothing here changes the server. Whatever is wrong raises OperatorError, and the file of before stays as it was.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from ..docker import Engine
from ..errors import OperatorError
from ..operations import health, services
from ..stack import Stack
from ..target import ROOT, Target, settings
from ..unfinished import refuse_unfinished
from ..update import checks, gates
from ..update.checkout import Checkout
from ..verify.state import State
from . import carried, placing, shared
from .pin import BUILDER, Image, Pin, short

_DIRECT = re.compile(r"^\s*(?:require )?([\w./~-]+\.[\w./~-]+ v\S+)$", re.M)
"""A module that a go.mod asks for by name; one that comes with another says `// indirect`."""

_SHOWN = 3


class Pinning:
    """One stack that is about to be pinned."""

    def __init__(self, name: str, show: Callable[[str], None]) -> None:
        self._name, self._show = name, show
        self._target = Target.read(name)
        self._engine = Engine(self._target.docker_host)
        self._stack, self._checkout = Stack(name, show), Checkout(show)

    def pin(self) -> Pin:
        """Look at the server, and return what it runs."""
        commit = self._deployed_commit()
        self._refuse_what_differs()
        verified = self._verify()
        export = self._stack.call("stack", "export")
        built = placing.sources(export, {})
        return Pin(stack=self._name, commit=commit, program=self._checkout.program(commit),
                   platform=_platform(built), images=self._images(export, built),
                   configuration=shared.of(settings(self._name)), verified=verified)

    def _deployed_commit(self) -> str:
        """Return the commit that runs there; raises OperatorError if nobody knows, or the code here is another."""
        refuse_unfinished(self._name)
        self._engine.version()
        head = self._checkout.head()
        self._checkout.refuse_changes()
        if not self._stack.has_resources():
            raise OperatorError(f"stack {self._name} has no server to pin. "
                                f"Deploy one with `STACK={self._name} make up`.")
        commit = str(self._stack.outputs().get("version", ""))
        if not self._checkout.has(commit):
            raise OperatorError(f"{self._name} runs {commit or 'a version'}, which is no commit that git has here. "
                                f"Commit what you want to pin, and run `STACK={self._name} make up`.")
        if self._checkout.program(commit) != self._checkout.program(head):
            raise OperatorError(f"{self._name} runs {self._checkout.title(commit)}, but "
                                f"{self._checkout.title(head)} is checked out. Run `STACK={self._name} make up`, and "
                                "look at the server before you pin it.")
        return commit

    def _refuse_what_differs(self) -> None:
        # Here and not above: the other commands shall not wait for all that it needs.
        from ..drift.look import look
        if stopped := sorted(self._target.stopped):
            raise OperatorError(f"{', '.join(stopped)} of {self._name} is stopped, so nobody has tried it there. Start "
                                f"it with `ops --stack {self._name} start`.")
        found = look(self._stack)
        if found.findings:
            subjects = ", ".join(dict.fromkeys(finding.subject for finding in found.findings))
            raise OperatorError(f"{self._name} was changed outside the code: {subjects}. Look at it with `ops --stack "
                                f"{self._name} drift`, and heal it with --heal.")
        if found.pending or found.pending_fault:
            names = ", ".join(step.name for step in found.pending[:_SHOWN])
            raise OperatorError(f"{self._name} is not what code and configuration say "
                                f"({found.pending_fault or names}). Run `STACK={self._name} make up`.")

    def _verify(self) -> dict[str, str]:
        """Put the server to what an update must pass; return what was said."""
        findings = health.check(self._engine, services.look(self._engine, self._target))
        if bad := [item for item in findings if not item.good]:
            raise OperatorError(f"{bad[0].service} of {self._name} fails its check: {bad[0].said}. Mend that, and pin "
                                f"then; `ops --stack {self._name} doctor` may know how.")
        gates.soak(self._engine, self._name, self._target.running, self._show)
        state = State.parse(self._stack.export())
        promises = checks.promises(self._stack, state, self._show)
        probe = checks.probes(self._stack, self._target, state, self._show)
        checks.canary(self._engine, self._target, state, self._show)
        return {"at": datetime.now(UTC).isoformat(timespec="seconds"), "promises": promises, "probe": probe,
                "health": f"{len(findings)} checks passed."}

    def _images(self, export: str, built: Mapping[str, placing.Inputs]) -> dict[str, Image]:
        """Return all images, by the ids that the engine itself tells."""
        ids = placing.ids(export)
        for service, identity in carried.running(self._engine, self._target).items():
            if identity != ids.get(service):
                raise OperatorError(
                    f"{service} of {self._name} runs the image {short(identity)}, but "
                    f"{short(ids.get(service, ''))} was built for it. Run `STACK={self._name} make up`.")
        return {service: Image(id=ids[service], source=str(inputs["build"]["contextDigest"]),
                               versions=tuple(versions(ROOT / inputs["build"]["context"])))
                for service, inputs in sorted(built.items())}


def versions(context: Path) -> Iterator[str]:
    """Yield what the sources of an image ask for by name, with the versions that are locked there."""
    if (context / "go.mod").exists():
        # Our own modules have no version; the files beside them are what counts.
        yield from sorted(found for found in _DIRECT.findall((context / "go.mod").read_text())
                          if not found.startswith("stealth-vpn/"))
    if (context / "requirements.in").exists():
        wanted = {re.split(r"[\[=<>~! ]", line)[0] for line in (context / "requirements.in").read_text().split("\n")}
        locked = re.findall(r"^([\w.-]+)(?:\[\S+\])?==([^\s\\]+)", (context / "requirements.txt").read_text(), re.M)
        yield from sorted(f"{name} {version}" for name, version in locked if name in wanted)


def _platform(built: Mapping[str, placing.Inputs]) -> str:
    return str(built[BUILDER]["build"]["platform"])
