"""Which services stay stopped: the stack's own configuration says so, and Pulumi's state is told at once.

Without the second, the next deploy would list the container as a change, although there is nothing left to do to it.
"""

import json
from collections.abc import Collection
from typing import Any

from .. import stack_file
from ..errors import OperatorError
from ..stack import Stack
from ..target import PROJECT

_CONTAINER = "docker:index/container:Container"
_KEY = "stopped"


def write(stack: Stack, stopped: Collection[str]) -> None:
    """Write into the stack's file which services stay stopped."""
    # Only as JSON, in the form of `pulumi config --json`, a list is replaced as a whole.
    if stopped:
        value = {"value": json.dumps(sorted(stopped)), "objectValue": sorted(stopped)}
        words: tuple[str, ...] = ("config", "set-all", "--json", json.dumps({f"{PROJECT}:{_KEY}": value}))
    else:
        words = ("config", "rm", _KEY)
    stack_file.change(stack, [words])


def tell_state(stack: Stack, services: Collection[str], *, run: bool) -> str:
    """Let the state say that these services run, or do not; return why it could not be told, empty if it was."""
    try:
        export = stack.call("stack", "export")
        changed = with_running(export, services, run=run)
        if changed != export:
            stack.restore(changed)
    except OperatorError as error:
        return str(error)
    return ""


def with_running(export: str, services: Collection[str], *, run: bool) -> str:
    """Return a state in which these services' containers have the inputs that components/service.py would give them."""
    state = json.loads(export)
    wanted = {"restart": "always" if run else "no", "mustRun": run, "start": run, "wait": run}
    names = {f"stealth-{service}" for service in services}
    found = [entry for entry in state["deployment"].get("resources") or []
             if entry["type"] == _CONTAINER and entry["inputs"].get("name") in names]
    if all(entry["outputs"].get(key) == value for entry in found for key, value in wanted.items()):
        return export
    for entry in found:
        _change(entry["inputs"], wanted)
        _change(entry["outputs"], wanted)
        if run:
            # Of a service that runs the program does not name it, and an input too many is a change.
            del entry["inputs"]["start"]
    return json.dumps(state)


def _change(properties: dict[str, Any], wanted: dict[str, Any]) -> None:
    properties.update(wanted)
    # The official provider's own list of what it filled in: what is named here stands in the program now.
    if defaults := properties.get("__defaults"):
        properties["__defaults"] = [key for key in defaults if key not in wanted]
