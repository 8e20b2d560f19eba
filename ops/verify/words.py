"""Recognises what looks like a secret among the words that everybody who may inspect a container can read."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policy import secrecy

_SHAPES = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a UUID": re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE),
    "32 bytes in base64": re.compile(
        r"(?<![\w+/=-])(?=\S*[0-9])(?=\S*[A-Z])(?=\S*[a-z])[A-Za-z0-9+/_-]{42}[AEIMQUYcgkosw048]=?(?![\w+/=-])"),
    "a password in an address": re.compile(r"\w://[^\s:/@]+:[^\s:/@]+@"),
}


def secret_words(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what looks like a secret in a container's configuration, by place and name; never by value."""
    for variable in config.get("Env") or []:
        name, _, value = variable.partition("=")
        if value:
            yield from _judged(f"the environment variable {name}", name, value)
    for name, value in (config.get("Labels") or {}).items():
        yield from _judged(f"the label {name}", name, value)
    test = (config.get("Healthcheck") or {}).get("Test")
    for place, words in (("the command", config.get("Cmd")), ("the entry point", config.get("Entrypoint")),
                         ("the health check", test)):
        for word in words or []:
            yield from _judged(place, "", word)
        for flag in secrecy.flags(tuple(" ".join(words or []).split())):
            yield f"{place} gives a secret to {flag}"


def _judged(place: str, name: str, value: str) -> Iterator[str]:
    if name and secrecy.is_secret_name(name):
        yield f"{place} is named like a secret"
        return
    for given in secrecy.assigned(value):
        yield f"{place} gives a secret to {given}"
    for what, shape in _SHAPES.items():
        if shape.search(value):
            yield f"{place} holds what looks like {what}"
