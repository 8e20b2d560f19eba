"""Tells the panel of restarts, which tells operators: by the panel's own program in its container, as `ops` does."""

import json

from .engine import Container, Engine

RETRY_SECONDS = 60.0
"""Between two tries: the panel may be what was restarted."""

_PANEL = "admin"
_CALL = ("/usr/bin/python3", "-I", "-S", "/app/call.py", "POST")
_MOST_WAITING = 20


class News:
    """What the panel does not know yet."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: list[str] = []
        self._next_at = 0.0

    def add(self, container: Container, reason: str) -> None:
        """Let it be told; of too many the oldest are forgotten, which stand in the record all the same."""
        text = "".join(f"%{byte:02x}" for byte in reason.encode())
        self._waiting = [*self._waiting, f"/restarts?service={container.service}&reason={text}"][-_MOST_WAITING:]

    def tell(self, containers: list[Container], now: float) -> None:
        """Tell what waits, if the panel is well; what it does not take is tried again after a pause."""
        panel = next((item for item in containers if item.service == _PANEL and item.health == "healthy"), None)
        while self._waiting and panel and now >= self._next_at:
            if self._is_taken(panel, self._waiting[0]):
                del self._waiting[0]
            else:
                self._next_at = now + RETRY_SECONDS

    def _is_taken(self, panel: Container, path: str) -> bool:
        try:
            status = int(json.loads(self._engine.run(panel.id, *_CALL, path))["status"])
        except (OSError, ValueError, KeyError):
            return False
        # What it refuses for good, such as a panel of an earlier version does, is not tried for ever.
        return status < 500
