"""Reads a JSON document of users, and keeps the line at which each user begins.

Python's reader tells no lines of what it has read; so this one walks the outermost levels itself, and leaves each
user to Python's.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from json.decoder import JSONDecoder
from typing import Any

from ...limits import MOST_IMPORTED

USERS_KEY = "users"
# A user has some 3,000; what is longer is not even read, for a hostile one would fill the memory.
_MOST_CHARACTERS = 32 * 1024
# What is cut by that end is told at its beginning: an escape of JSON has most, such as \ud83d\udc64.
_LONGEST_WORD = 12
_SPACE = re.compile(r"[ \t\n\r]+")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a document is refused."""

    line: int
    """From 1; of the user's beginning if the fault is a user's."""

    name: str
    """The user's, as far as it could be read."""

    field: str
    sentence: str
    """Subject, fault and fix, for people."""


class DocumentError(Exception):
    """The document as a whole cannot be read."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = Fault(line=line, name="", field="", sentence=sentence)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One user of a document, unchecked."""

    line: int
    name: str | None
    """Key of the entry, where the document is a map from names."""

    value: Any


@dataclass(frozen=True, kw_only=True)
class Document:
    """A list or map of users, and what the outermost object says beside it."""

    header: dict[str, Any]
    entries: list[Entry]


def read(text: str | bytes) -> Document:
    """Take a document apart: [users], {name: user}, or {"users": either of both}; raises DocumentError."""
    try:
        return _Reader(text.decode() if isinstance(text, bytes) else text).document()
    except UnicodeDecodeError:
        raise DocumentError(1, "The file is no text in UTF-8; save it as such.") from None


def shown(value: object) -> str:
    """Return what a file said, cut short and without characters that could not be shown, stored or sent."""
    text = value if isinstance(value, str) else json.dumps(value)
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:80])


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        self._at = self._counted = 0
        self._line_number = 1
        self._decoder = JSONDecoder(object_pairs_hook=_distinct, parse_constant=_refuse_constant)

    def document(self) -> Document:
        start = self._peek()
        if start == "{":
            header, found = self._outer()
        elif start == "[":
            header, found = {}, self._entries()
        else:
            raise self._error("The file holds neither a list nor a map of users; export them as JSON.")
        if self._peek():
            raise self._error("Something follows after the end of the users; remove it.")
        return Document(header=header, entries=found)

    def _outer(self) -> tuple[dict[str, Any], list[Entry]]:
        header: dict[str, Any] = {}
        lines: dict[str, int] = {}
        found = None
        for _ in self._items("{", "}"):
            # Whether these are users is known in the end.
            self._check_count(len(header))
            lines[key := self._key(header)] = self._line()
            if key == USERS_KEY and self._peek() in ("[", "{"):
                found, header[key] = self._entries(), None
            else:
                header[key] = self._value()
        if found is None:
            return {}, [Entry(line=lines[name], name=name, value=value) for name, value in header.items()]
        del header[USERS_KEY]
        return header, found

    def _entries(self) -> list[Entry]:
        found: dict[str, None] = {}
        entries: list[Entry] = []
        opening = self._peek()
        for _ in self._items(opening, {"[": "]", "{": "}"}[opening]):
            self._check_count(len(entries))
            line, name = self._line(), None
            if opening == "{":
                found[name := self._key(found)] = None
            entries.append(Entry(line=line, name=name, value=self._value()))
        return entries

    def _check_count(self, count: int) -> None:
        if count == MOST_IMPORTED:
            raise self._error(f"The file holds more than {MOST_IMPORTED} users; import it in parts.")

    def _items(self, opening: str, closing: str) -> Iterator[None]:
        """Stand before each item of a list or object in turn, and in the end behind it."""
        self._expect(opening)
        if self._peek() == closing:
            self._expect(closing)
            return
        while True:
            self._peek()
            yield
            if self._peek() == closing:
                break
            self._expect(",")
        self._expect(closing)

    def _key(self, known: dict[str, Any]) -> str:
        key = self._value()
        if not isinstance(key, str):
            raise self._error("A name in front of a colon is no text; put it in quotes.")
        if key in known:
            raise self._error(f"{shown(key)} stands there twice; leave it there once.")
        self._expect(":")
        self._peek()
        return key

    def _value(self) -> Any:
        window = self._text[self._at:self._at + _MOST_CHARACTERS]
        try:
            value, length = self._decoder.raw_decode(window)
        except json.JSONDecodeError as error:
            if len(window) == _MOST_CHARACTERS and (
                    error.msg.startswith("Unterminated") or error.pos > len(window) - _LONGEST_WORD):
                raise self._error(f"What begins here has more than {_MOST_CHARACTERS} characters, or does not end; "
                                  "correct it.") from None
            raise self._no_json(self._at + error.pos) from None
        except RecursionError:
            raise self._error("What begins here is nested too deeply to be a user; remove it.") from None
        except ValueError as error:
            # Of _distinct and _refuse_constant, and Python's own for numbers of thousands of digits.
            raise self._error(f"What begins here cannot be read ({shown(str(error))}); correct it.") from None
        self._at += length
        return value

    def _no_json(self, at: int) -> DocumentError:
        line, column = self._text.count("\n", 0, at) + 1, at - self._text.rfind("\n", 0, at)
        return DocumentError(line, f"The file is no JSON at line {line}, column {column}; correct it there.")

    def _peek(self) -> str:
        if space := _SPACE.match(self._text, self._at):
            self._at = space.end()
        return self._text[self._at:self._at + 1]

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise self._error(f"The file is no JSON: a {character} is missing here; correct it.")
        self._at += 1

    def _line(self) -> int:
        self._line_number += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line_number

    def _error(self, sentence: str) -> DocumentError:
        return DocumentError(self._line(), sentence)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # JSON's reader would let the last of two equal keys win in silence.
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key stands there twice")
    return values


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
