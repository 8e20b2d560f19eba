"""A typed view of a resource's properties, for rules to read.

What the engine sends is awkward to judge: lists are no `list`, numbers are floats, an absent property is a KeyError,
and an unknown one raises as soon as it is touched and would end the whole rule with an advisory note. Here each getter
gives plain Python, and raises a Finding where it cannot; making.py turns that into a violation.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy.proxy import UnknownValueError


class Finding(Exception):  # noqa: N818 - what a rule has found, and no error of its own
    """A property that no rule can judge; its text says which and why."""


class NotKnown(Finding):
    """A property that must be a constant is not known before the deploy."""


class View:
    """An object of the program's: a resource, or one of the objects inside it."""

    def __init__(self, props: Mapping[str, Any], path: str = "") -> None:
        self._props = props
        self._path = path

    def knows(self, key: str) -> bool:
        """Tell whether a property is known; an absent one is."""
        try:
            self._value(key)
        except NotKnown:
            return False
        return True

    def has(self, key: str) -> bool:
        """Tell whether a property is given, known or not."""
        return not self.knows(key) or self._value(key) is not None

    def names(self) -> tuple[str, ...]:
        """Return the names of all that is given."""
        return tuple(sorted(key for key in self._props if self.has(key)))

    def is_filled(self, key: str) -> bool:
        """Tell whether a property is not known or says anything: an empty text, list or object says nothing."""
        value = self._value(key) if self.knows(key) else True
        return value is not None and (isinstance(value, bool | int | float) or len(value) > 0)

    def all_texts(self) -> Iterator[tuple[str, str, str]]:
        """Yield every text that is known, however deep: its place, the name it has there, and itself."""
        for key in self._props:
            with contextlib.suppress(NotKnown):
                yield from _texts_of(self._value(key), self._at(key), key)

    def text(self, key: str) -> str:
        """Return a text; empty if absent."""
        return _text(self._value(key), self._at(key))

    def number(self, key: str) -> float | None:
        """Return a number; None if absent."""
        value = self._value(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Finding(f"{self._at(key)} is no number")
        return int(value) if value == int(value) else value

    def flag(self, key: str) -> bool | None:
        """Return a truth value; None if absent."""
        value = self._value(key)
        if value is None or isinstance(value, bool):
            return value
        raise Finding(f"{self._at(key)} is neither true nor false")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; empty if absent."""
        return tuple(_text(item, place) for item, place in self._items(key))

    def views(self, key: str) -> "tuple[View, ...]":
        """Return a list of objects; empty if absent."""
        return tuple(_view(item, place) for item, place in self._items(key))

    def view(self, key: str) -> "View":
        """Return an object; an empty one if absent."""
        return _view(self._value(key), self._at(key))

    def objects(self, key: str) -> "tuple[View, ...]":
        """Return the objects of a list, or the one object that stands there."""
        return (self.view(key),) if isinstance(self._value(key), Mapping) else self.views(key)

    def table(self, key: str) -> dict[str, str]:
        """Return an object of texts; empty if absent."""
        inner = self.view(key)
        return {name: inner.text(name) for name in inner.names()}

    def _items(self, key: str) -> list[tuple[Any, str]]:
        value = self._value(key)
        if value is None:
            return []
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise Finding(f"{self._at(key)} is no list")
        places = [f"{self._at(key)}[{index}]" for index in range(len(value))]
        return [(_get(value, index, place), place) for index, place in enumerate(places)]

    def _value(self, key: str) -> Any:
        return _get(self._props, key, self._at(key))

    def _at(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key


def _get(holder: Any, key: str | int, place: str) -> Any:
    try:
        return holder[key]
    except KeyError:
        return None
    except UnknownValueError:
        raise NotKnown(f"{place} is not known before the deploy; write it as a constant") from None


def _text(value: Any, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise Finding(f"{place} is no text")


def _texts_of(value: Any, place: str, name: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, str):
        yield place, name, value
    elif isinstance(value, Mapping):
        yield from View(value, place).all_texts()
    elif isinstance(value, Sequence):
        for index in range(len(value)):
            inner = f"{place}[{index}]"
            with contextlib.suppress(NotKnown):
                yield from _texts_of(_get(value, index, inner), inner, name)


def _view(value: Any, place: str) -> View:
    if value is None:
        return View({}, place)
    if isinstance(value, Mapping):
        return View(value, place)
    raise Finding(f"{place} is no object")
