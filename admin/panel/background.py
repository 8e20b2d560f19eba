"""Work that goes on beside the requests: a thread that takes one step after the other until it is told to stop."""

import logging
import threading
from collections.abc import Callable

from .store.database import is_busy

_log = logging.getLogger(__name__)
_FAULT_PAUSE_SECONDS = 10.0
# An import of many users may hold SQLite's only lock for longer than a step waits, which takes some seconds each time.
_BUSY_PAUSE_SECONDS = 1.0
_BUSY_STEPS = 4


class Loop:
    """A daemon thread that calls step again and again; step returns for how many seconds to pause."""

    def __init__(self, name: str, step: Callable[[], float]) -> None:
        self._step = step
        self._woken = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; the first step is taken at once."""
        self._thread.start()

    def wake(self) -> None:
        """End the pause; a step that is being taken is followed by another."""
        self._woken.set()

    def stop(self) -> None:
        """Let no further step begin."""
        self._is_stopping = True
        self.wake()

    def join(self, seconds: float) -> None:
        """Wait at most so long for a step that is being taken after stop()."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        busy = 0
        while not self._is_stopping:
            try:
                pause_seconds, busy = self._step(), 0
            except Exception as error:
                busy = busy + 1 if is_busy(error) else 0
                pause_seconds = self._after(error, busy)
            self._woken.wait(pause_seconds)
            self._woken.clear()

    def _after(self, error: Exception, busy: int) -> float:
        """Say what a step's fault is, and for how long to pause; it must not end the thread, which others rely on."""
        if 0 < busy < _BUSY_STEPS:
            _log.info("A step of %s is taken again, because another write takes long.", self._thread.name)
            return _BUSY_PAUSE_SECONDS
        _log.error("A step of %s failed", self._thread.name, exc_info=error)
        return _FAULT_PAUSE_SECONDS
