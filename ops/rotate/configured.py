"""What the stack's file says of rotations, read and written."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .. import stack_file
from ..errors import OperatorError
from ..stack import Stack
from ..target import settings

if TYPE_CHECKING:
    from components.rotations import Rotations

KEY = "rotations"


def read(values: Mapping[str, Any]) -> "Rotations":
    """Return the rotations of a stack's settings; raises OperatorError when they are none."""
    # Here and not above: they bring Pulumi, and other commands shall not wait for it.
    from components.errors import SettingsError
    from components.rotations import Rotations
    try:
        return Rotations.parse(KEY, values[KEY])
    except SettingsError as error:
        raise OperatorError(str(error)) from error


def overlaps(values: Mapping[str, Any]) -> dict[str, datetime]:
    """Return until when the former value of each secret in an overlap goes on."""
    if not values[KEY]:
        return {}
    return {name: made.overlap_until for name, made in read(values).made.items() if made.overlap_until}


def due(values: Mapping[str, Any], now: datetime | None = None) -> dict[str, datetime]:
    """Return those overlaps whose time is over."""
    return {name: until for name, until in overlaps(values).items() if until <= (now or datetime.now(UTC))}


def write(stack: Stack, name: str, generation: int, rotated_at: datetime, overlap_until: datetime | None) -> None:
    """Write that a secret is of another generation now."""
    entry = {"generation": str(generation), "rotatedAt": rotated_at.isoformat(timespec="seconds")}
    if overlap_until:
        entry["overlapUntil"] = overlap_until.isoformat(timespec="seconds")
    words = [word for key, value in entry.items() for word in ("--plaintext", f"{KEY}.{name}.{key}={value}")]
    stack_file.change(stack, [["config", "set-all", "--path", *words]])


def end(stack: Stack, names: list[str]) -> None:
    """Write that the overlaps of these secrets have ended."""
    stack_file.change(stack, [["config", "rm", "--path", f"{KEY}.{name}.overlapUntil"] for name in names])


def end_due(stack: Stack, show: Callable[[str], None]) -> None:
    """Write the end of each overlap whose time is over, and say so."""
    if names := sorted(due(settings(stack.name))):
        end(stack, names)
        for name in names:
            show(f"The overlap of {name} is over; its former value is refused from now on.")
