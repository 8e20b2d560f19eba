"""What the watchdog writes down for others to read."""

import contextlib
import json
import os
import time
from typing import Any

_KEPT_ACTS = 20


class Record:
    """What others read of the watchdog: a file, whose time of change is that of the last look."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._state: dict[str, Any] = {"acts": []}
        with contextlib.suppress(OSError, ValueError), open(path) as file:
            self._state["acts"] = json.load(file)["acts"]
        self.note(running=True, fault="")

    def note(self, **changes: object) -> None:
        """Write changes down, and that now was a look."""
        if not changes.items() <= self._state.items():
            self._state |= changes
            with open(f"{self._path}.new", "w") as file:
                json.dump(self._state, file)
            os.replace(f"{self._path}.new", self._path)
        os.utime(self._path)

    def add(self, service: str, reason: str) -> None:
        """Write a restart down."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.note(acts=[*self._state["acts"], {"at": at, "service": service, "reason": reason}][-_KEPT_ACTS:])
