"""The program itself: looks again and again, until a signal ends it."""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import threading
import time

from .engine import Engine
from .files import Rules
from .logs import Collector
from .record import Record
from .watch import Watchdog

POLL_SECONDS = 5.0
_LOCK_TRIES = 20
_LOCK_PAUSE_SECONDS = 0.05
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def notify(message: str) -> None:
    """Tell systemd, if that started us (sd_notify(3))."""
    if address := os.environ.get("NOTIFY_SOCKET", ""):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.sendto(message.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)


def main(stack: str, engine: str, state: str, off: str, *logs: str) -> int:
    """Watch until a signal comes; returns the exit code."""
    # Before any thread is made: they take no signal either.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    os.makedirs(os.path.dirname(state), mode=0o755, exist_ok=True)
    if not _is_alone(f"{state}.lock"):
        print(f"Another watchdog of {stack} runs already. `ops watchdog status` tells of it.", file=sys.stderr)
        return 1
    record, client = Record(state), Engine(engine, stack)
    watchdog = Watchdog(client, record, lambda sentence: print(sentence, flush=True))
    collector = Collector(client, _rules(*logs)) if logs else None
    if collector:
        threading.Thread(target=collector.run, daemon=True).start()
    print(f"Watching the containers of {stack} each {POLL_SECONDS:g} s.", flush=True)
    notify("READY=1")
    while True:
        if not os.path.exists(off):
            watchdog.look(time.monotonic())
        record.note(logs=logs[0] if logs else "", log_fault=collector.fault if collector else "")
        notify("WATCHDOG=1")
        if signal.sigtimedwait(_SIGNALS, POLL_SECONDS):
            record.note(running=False)
            return 0


def _is_alone(path: str) -> bool:
    # Never closed: the lock goes with this process.
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    for _ in range(_LOCK_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        # Whoever only looks whether a watchdog runs holds it for a moment.
        time.sleep(_LOCK_PAUSE_SECONDS)
    else:
        return False
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return True


def _rules(folder: str, days: str, file_bytes: str, files_per_day: str) -> Rules:
    return Rules(folder=folder, days=int(days), file_bytes=int(file_bytes), files_per_day=int(files_per_day))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
