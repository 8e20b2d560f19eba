"""What a deploy to another machine must do again because the machine is not as it left it, or is another one.

Pulumi runs a command again when its inputs have changed, and does not look at what the command has brought.
"""

import json
from typing import Any

from components import ssh

from .carriage import CARRIAGE, COMMAND, parsed
from .docker import Engine
from .stack import Stack

SETUP = "stealth-host"
"""What the program calls the command that makes the machine ready."""


def renewed(stack: Stack, engine: Engine) -> list[str]:
    """Make a machine ready that has lost its Docker; return the words by which a deploy brings lost images again."""
    if not ssh.is_ssh(engine.host) or not stack.has_resources():
        return []
    state = json.loads(stack.call("stack", "export"))["deployment"]["resources"]
    commands = {_name(entry): entry for entry in state if entry["type"] == COMMAND and not entry.get("delete")}
    if SETUP in commands and not engine.answers():
        # A refresh would ask the engine that is not there.
        stack.run("up", "--yes", "--skip-preview", "--refresh=false", "--replace", f"**::{SETUP}",
                  "--target", f"**::{SETUP}")
    carriage = commands.get(CARRIAGE)
    if carriage is None:
        return []
    ids = parsed(str(carriage["inputs"].get("stdin", ""))).values()
    lost = engine.ask("image", "inspect", "--format", "{{.Id}}", *ids).returncode != 0
    return ["--replace", f"**::{CARRIAGE}"] if lost else []


def _name(entry: dict[str, Any]) -> str:
    return str(entry["urn"]).rpartition("::")[2]
