"""What engines should have at a revision, as a digest: made once for all hosts whose engine is told the same.

A look through all users for each of a fleet's engines each minute would be most of the panel's work.
"""

import threading
from collections.abc import Callable

from ..config import ServerFacts
from .revision import Revision

At = tuple[Revision, str]
"""A revision, and the digest of the users that the engine should have at it."""


class Expected:
    """The last digest that was made for one kind of engine; for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: At | None = None

    def put(self, revision: Revision, digest: str) -> None:
        """Keep a digest that was made on the way."""
        with self._lock:
            self._last = revision, digest

    def get(self, revision: Revision | None, make: Callable[[], At]) -> At:
        """Return the last digest, made now if it is of another revision; the store may be at a later one already."""
        # Whoever else needs it waits for it: two threads would make it in twice the time.
        with self._lock:
            if self._last is None or self._last[0] != revision:
                self._last = make()
            return self._last


ExpectedOf = Callable[[str, ServerFacts | None], Expected]
"""Returns what is shared for an engine of a server."""


def by_view() -> ExpectedOf:
    """Return what gives engines that are told the same users in the same words one Expected."""
    shared: dict[tuple[str, str, str], Expected] = {}

    def of(engine: str, server: ServerFacts | None) -> Expected:
        # protocols.engine_view makes its words of these facts of a server, and no others.
        subnets = (server.wireguard_subnet, server.wireguard_subnet6) if server is not None else ("", "")
        return shared.setdefault((engine, *subnets), Expected())

    return of
