"""Rotates a secret that is derived from a seed: writes its next generation for the deploy to follow.

All that a kill can leave is a configuration that the server has not followed yet: the same command goes on with it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import OperatorError
from ..stack import Stack
from . import configured
from .table import Secret


def refuse(secret: Secret, values: Mapping[str, Any], overlap: timedelta) -> None:
    """Raise OperatorError if the secret cannot be rotated now."""
    if overlap and not secret.overlap:
        raise OperatorError(f"{secret.name} has no overlap: only one can be in force at a time. Leave --overlap away.")
    if secret.name == "authority" and values["tls"] != "internal":
        raise OperatorError(f"authority signs nothing with `tls: {values['tls']}`; docs/certificates.md says how "
                            "others' certificates are renewed.")
    if until := configured.overlaps(values).get(secret.name):
        raise OperatorError(
            f"{secret.name} is in an overlap until {until:%Y-%m-%d %H:%M} UTC, and a third value would end the first. "
            f"End the overlap by `ops rotate {secret.name} --finish`.")


def write(stack: Stack, secret: Secret, values: Mapping[str, Any], overlap: timedelta) -> datetime | None:
    """Write the next generation into the stack's file; return until when the former one goes on."""
    now = datetime.now(UTC)
    until = now + overlap if overlap else None
    configured.write(stack, secret.name, configured.read(values).generation(secret.name) + 1, now, until)
    return until


def finish(stack: Stack, secret: Secret, values: Mapping[str, Any]) -> None:
    """Write the overlap's end into the stack's file; raises OperatorError when there is none."""
    if secret.name not in configured.overlaps(values):
        raise OperatorError(f"{secret.name} is in no overlap. `ops rotate` lists those that are.")
    configured.end(stack, [secret.name])
