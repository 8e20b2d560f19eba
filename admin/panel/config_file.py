"""Reads the configuration's file: JSON that nobody else may read, each key once."""

import json
import os
from pathlib import Path
from typing import Any


class ConfigError(Exception):
    """The configuration breaks a rule; the text is one sentence for the operator and holds no secret."""


def read(file: Path) -> dict[str, Any]:
    """Return the file's keys and values; raises ConfigError if it is open to others, unreadable or no JSON object."""
    return _parse(_text(file))


def _text(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode & 0o777
            if mode & 0o077:
                raise ConfigError(
                    f"{file.name} has mode {mode:04o}, so others may read its secrets; give it mode 0400.")
            return stream.read()
    except FileNotFoundError:
        raise ConfigError(f"{file.name} is missing; deliver it to {file.parent}.") from None
    except OSError as error:
        raise ConfigError(f"{file.name} cannot be read ({error.strerror}); make it a file of mode 0400 that "
                          f"belongs to user {os.getuid()}.") from None


def _parse(text: bytes) -> dict[str, Any]:
    try:
        values = json.loads(text, object_pairs_hook=_distinct)
    except json.JSONDecodeError as error:
        raise ConfigError(f"panel.json is no JSON at line {error.lineno}, column {error.colno}; "
                          "correct it there.") from None
    except (ValueError, RecursionError):
        raise ConfigError("panel.json is no JSON text in UTF-8; write it anew.") from None
    if not isinstance(values, dict):
        raise ConfigError("panel.json holds no JSON object; write its keys and values between { and }.")
    return values


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # JSON's reader would let the last of two equal keys win in silence.
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(f"{key} stands {keys.count(key)} times in panel.json; leave it there once.")
    return dict(pairs)
