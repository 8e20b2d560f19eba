"""Sees to it that a restore meets no server that is there already: refuses, or takes it away where it was told to."""

import json
from dataclasses import dataclass

from ..docker import CADDY, STACK_LABEL, Engine, last_line
from ..errors import OperatorError
from ..stack import Stack

_KINDS = {"container": ("ps", "--all"), "network": ("network", "ls"), "volume": ("volume", "ls")}


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A container, network or volume whose name a server needs."""

    kind: str
    name: str
    stack: str
    """Whose it is, by its label; empty if it has none."""


def look(engine: Engine) -> list[Thing]:
    """Return what is on the engine."""
    found = []
    for kind, words in _KINDS.items():
        name = "Names" if kind == "container" else "Name"
        shape = f'{{"name": {{{{json .{name}}}}}, "stack": {{{{json (.Label "{STACK_LABEL}")}}}}}}'
        done = engine.ask(*words, "--filter", "name=^stealth-", "--format", shape)
        if done.returncode != 0:
            raise OperatorError(f"`docker {' '.join(words)}` failed: {last_line(done.stderr)}. Mend that first.")
        found += [Thing(kind=kind, **json.loads(line)) for line in done.stdout.splitlines()]
    return found


def refuse(things: list[Thing], stack: Stack, engine: Engine, *, may_replace: bool) -> None:
    """Raise OperatorError if something is there that this restore may not take away."""
    others = [item for item in things if item.stack != stack.name]
    if others:
        whose = f"the stack {others[0].stack}" if others[0].stack else "nobody that this program knows"
        raise OperatorError(f"the {others[0].kind} {others[0].name} at {engine.host} is of {whose}, and an engine has "
                            "room for one server. Take it away there, or name another engine by --engine.")
    if (things or stack.has_resources()) and not may_replace:
        what = f"it has the {things[0].kind} {things[0].name}" if things else f"the state here knows {stack.name}"
        raise OperatorError(f"there is a server already at {engine.host}: {what}. Add --replace to put the backup in "
                            "its place, or --keep-data if only this checkout was lost.")


def serves(engine: Engine, stack: Stack) -> bool:
    """Tell whether a server of this stack answers there: Caddy is made last, and is the first to be taken away."""
    return any(item.name == CADDY and item.state == "running" for item in engine.services(stack.name))


def clear(things: list[Thing], stack: Stack, engine: Engine) -> None:
    """Take the server away, but its volumes."""
    if stack.has_resources():
        stack.prepare()
        stack.run("destroy", "--yes", "--exclude-protected")
    for kind in ("container", "network"):
        for item in look(engine) if things else []:
            # What no state knows any more.
            if item.kind == kind:
                engine.remove_own(kind, item.name, stack.name)
