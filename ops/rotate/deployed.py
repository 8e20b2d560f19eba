"""Which generation of each secret the server has, as the last deploy that came to its end has written into the state.

The configuration says which it shall have. More there means that a rotation was cut short; less, that the file has lost
its rotations, and a deploy would bring back values that were given up, perhaps because they had leaked.
"""

import json
from collections.abc import Mapping
from typing import Any

from ..backend import state_folder
from ..errors import OperatorError
from ..stack import Stack
from ..target import PROJECT
from . import configured


def generations(stack: Stack) -> dict[str, int]:
    """Return the generation of each secret that was ever rotated."""
    folder = state_folder()
    if folder is None:
        outputs = stack.outputs() if stack.is_made() else {}
    else:
        # Read here: Pulumi would take as long for it as for the half of a deploy.
        file = folder / "stacks" / PROJECT / f"{stack.name}.json"
        outputs = _outputs(json.loads(file.read_text())) if file.exists() else {}
    return {str(name): int(number) for name, number in (outputs.get(configured.KEY) or {}).items()}


def is_behind(stack: Stack, name: str, values: Mapping[str, Any]) -> bool:
    """Tell whether a rotation of the secret is written and was not deployed to its end."""
    return configured.read(values).generation(name) > generations(stack).get(name, 1)


def refuse_lost(stack: Stack, values: Mapping[str, Any]) -> None:
    """Raise OperatorError when a deploy would bring a former generation back."""
    there = generations(stack)
    wanted = configured.read(values) if there else None
    lost = sorted(name for name, number in there.items() if wanted and wanted.generation(name) < number)
    if lost:
        raise OperatorError(
            f"the server has later values of {', '.join(lost)} than Pulumi.{stack.name}.yaml says, and a deploy would "
            "bring former ones back. Put the file's `rotations` back, from git or a backup. If you want the former "
            "values, run `ops up --former-secrets`.")


def _outputs(state: dict[str, Any]) -> dict[str, Any]:
    resources = (state["checkpoint"].get("latest") or {}).get("resources") or []
    return next((entry.get("outputs") or {} for entry in resources if entry["type"] == "pulumi:pulumi:Stack"), {})
