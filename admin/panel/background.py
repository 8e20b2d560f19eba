"""Work that goes on beside the requests: a thread that takes one step after the other until it is told to stop."""

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)
# After a fault of our own, such as a store that is locked for long.
_FAULT_PAUSE_SECONDS = 10.0


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
        while not self._is_stopping:
            try:
                pause_seconds = self._step()
            except Exception:
                # One step's fault must not end the thread: nobody would bring users to the engine any more.
                _log.exception("A step of %s failed", self._thread.name)
                pause_seconds = _FAULT_PAUSE_SECONDS
            self._woken.wait(pause_seconds)
            self._woken.clear()
