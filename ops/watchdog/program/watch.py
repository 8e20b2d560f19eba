"""Judges each container, and restarts with patience those that hang."""

from collections.abc import Callable

from .engine import Container, Engine, printable
from .news import News
from .processes import end, frozen
from .record import Record

FROZEN_LOOKS = 2
"""A process that is found stopped so often in a row is hung; one look may meet a short stop."""

FIRST_PAUSE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 600.0
"""Between two restarts of a service; a service without a fault for so long has a clean slate."""


class Patience:
    """When a service may be restarted again: after a pause that doubles while restarts do not help."""

    def __init__(self) -> None:
        self._pause = self._next_at = self._acted_at = 0.0

    def left(self, now: float) -> float:
        """Return the seconds until then, 0 if it may be now."""
        return max(0.0, self._next_at - now)

    def acted(self, now: float) -> None:
        """Take note of a restart."""
        self._pause = min(2 * self._pause or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._next_at, self._acted_at = now + self._pause, now

    def is_over(self, now: float) -> bool:
        """Tell whether the last restart is so long ago that it counts no more."""
        return now - self._acted_at > LONGEST_PAUSE_SECONDS


class Watchdog:
    """Looks at all containers again and again, and restarts those that hang."""

    def __init__(self, engine: Engine, record: Record, say: Callable[[str], None]) -> None:
        self._engine, self._record, self._say = engine, record, say
        self._news = News(engine)
        self._frozen: dict[str, int] = {}
        self._patience: dict[str, Patience] = {}
        self._last_said: dict[str, str] = {}

    def look(self, now: float) -> None:
        """Look at each container once."""
        try:
            containers = list(self._engine.containers())
            for container in containers:
                self._judge(container, now)
            self._news.tell(containers, now)
        except (OSError, ValueError, KeyError) as error:
            self._tell("engine", f"the engine cannot be asked: {error}")
            self._record.note(fault=f"the engine cannot be asked: {error}")
        else:
            self._last_said.pop("engine", None)
            self._record.note(fault="")

    def _judge(self, container: Container, now: float) -> None:
        service, reason = container.service, self._reason(container)
        patience = self._patience.setdefault(service, Patience())
        if not reason:
            if container.health == "healthy" and self._last_said.pop(service, ""):
                self._say(f"{service} is healthy again.")
            if patience.is_over(now):
                del self._patience[service]
        elif left := patience.left(now):
            self._tell(service, f"{service} {reason}, and was restarted before: it waits {left:.0f} s.")
        elif end(self._engine, container, gently=not self._frozen.pop(container.id, 0)):
            patience.acted(now)
            self._record.add(service, reason)
            self._news.add(container, reason)
            self._tell(service, f"{service} {reason}: its first process was ended, Docker starts it again.")

    def _reason(self, container: Container) -> str:
        """Return why it must be restarted, as a sentence without its subject; empty if it need not."""
        name = frozen(container.pid) if container.is_kept else ""
        looks = self._frozen.pop(container.id, 0)
        if name:
            self._frozen[container.id] = looks + 1
            if looks + 1 >= FROZEN_LOOKS:
                return f"hangs: its process {printable(name)} is stopped"
        if container.is_kept and container.health == "unhealthy":
            return f"is unhealthy ({container.said or 'its check said nothing'})"
        return ""

    def _tell(self, about: str, sentence: str) -> None:
        # Only what is new: how long it still waits is none.
        if self._last_said.get(about) != (head := sentence.partition(" waits ")[0]):
            self._say(sentence)
        self._last_said[about] = head
