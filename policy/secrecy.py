"""Tells what looks like a secret, by its name or its shape. Nothing here ever returns the value itself."""

import itertools
import re
from collections.abc import Iterator
from functools import cache

_NAME = re.compile(
    r"pass(?!ive)|secret|token|credential|private|uuid|bearer|(?:^|[_\W])key|key(?:$|[_\W])"
    r"|(?:^|[_\W])(?:psk|pwd|seed|auth|authorization)(?:$|[_\W])", re.IGNORECASE)
# What names a place, and not what lies there: `keyfile` does, `PROFILE` does not.
_PLACE = re.compile(
    r"(?:^|[_\W]|key|pass|password|secret|token)(?:file|path|dir|folder|name|name_file)$", re.IGNORECASE)
_ASSIGNED = re.compile(r"(?:^|[\s;&|\"'?,{])-{0,2}([A-Za-z][\w.-]*)=[\"']?([^\s;&|,\"']+)")
_ENTRY = re.compile(r"[\"']([A-Za-z][\w.-]*)[\"']\s*:\s*[\"']?([^\s\"',}]+)")
_HEADER = re.compile(r"(?:^|[\s\"'])([A-Za-z][\w-]*):\s+([^\s\"']+)")
_FLAG = re.compile(r"--?([A-Za-z][\w.-]*)")
_SHAPES = (
    ("a PEM block", re.compile(r"-----BEGIN ")),
    ("a UUID", re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)),
    ("an address with a password", re.compile(r"://[^\s/@:]*:[^\s/@]+@")),
    ("a hexadecimal key", re.compile(r"(?<![0-9a-zA-Z])[0-9a-f]{32,}(?![0-9a-zA-Z])", re.IGNORECASE)),
    ("a login", re.compile(r"\bBearer\s+\S|\bAuthorization:\s*\S|(?:^|\s)(?:-u|--user)[\s=][^\s:]*[a-z][^\s:]*:\S",
                           re.IGNORECASE)),
)
# Base64 of at least 16 bytes, of either alphabet; the panel's password has 24 letters and digits.
_RANDOM = re.compile(r"(?<![\w+/=-])[\w+/-]{22,}={0,2}(?![\w+/=-])", re.ASCII)
_CLASSES = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"))


def is_secret_name(name: str) -> bool:
    """Tell whether a variable, flag or argument of that name would hold a secret itself."""
    # `apiKey` and `API_KEY` are the same words.
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return bool(_NAME.search(words)) and not _PLACE.search(words)


@cache
def shape(text: str) -> str:
    """Return what a text that looks like a secret looks like, or nothing."""
    for title, pattern in _SHAPES:
        if pattern.search(text):
            return title
    if any(all(some.search(word) for some in _CLASSES) for word in _RANDOM.findall(text)):
        return "a random key"
    return ""


def assigned(text: str) -> Iterator[str]:
    """Yield the names that a text gives a secret: `NAME=value`, `--name=value`, `"name": "value"`, `Name: value`."""
    for pattern in (_ASSIGNED, _ENTRY, _HEADER):
        for name, _ in pattern.findall(text):
            if is_secret_name(name):
                yield name


def flags(words: tuple[str, ...]) -> Iterator[str]:
    """Yield the flags of a command line that the next word gives a secret to."""
    for flag, value in itertools.pairwise(words):
        match = _FLAG.fullmatch(flag)
        if match and is_secret_name(match[1]) and not value.startswith("-"):
            yield match[1]


@cache
def names_given(*words: str) -> tuple[str, ...]:
    """Return the names that the words of a line give a secret, each word being a line of a shell's as well."""
    found = [*flags(words)]
    for word in words:
        found += [*assigned(word), *flags(tuple(word.split()))]
    return tuple(dict.fromkeys(found))
