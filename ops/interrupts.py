"""Passes Ctrl-C and SIGTERM on to a long run, so that it ends in order instead of being left behind."""

import signal
import subprocess
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self


class Interrupts:
    """SIGINT and SIGTERM of this process while a run of Pulumi goes on.

    In force from before the run's process is made: between its making and its being known here, an interrupt would
    otherwise end this program and leave a deploy running that nobody watches.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._process: subprocess.Popen[bytes] | None = None
        self._came = False

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._take) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def were_sent(self) -> bool:
        """Whether the run was asked to end."""
        return self._came

    def go_to(self, process: subprocess.Popen[bytes]) -> None:
        """Say whose the interrupts are; one that came before reaches it now."""
        self._process = process
        if self._came:
            process.send_signal(signal.SIGINT)

    def send(self) -> None:
        """Ask the run to end."""
        self._show("Stopping: what is half done is finished or taken back first. One moment ...")
        self._came = True
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        self.send()
