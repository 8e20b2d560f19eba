"""Locks of Pulumi's file backend: a file for each run that works on a stack, with its process and machine."""

import json
import socket
from pathlib import Path

import psutil


def of(folder: Path, stack: str) -> list[Path]:
    """Return the locks of a stack in the backend's folder."""
    return sorted((folder / "locks").rglob(f"{stack}/*.json"))


def holder(lock: Path) -> tuple[str, int]:
    """Return the machine and the process that hold a lock; neither (empty and 0) when it cannot be read."""
    try:
        held = json.loads(lock.read_text())
        return str(held.get("hostname", "")), int(held.get("pid", 0))
    except (OSError, ValueError, AttributeError):
        return "", 0


def is_here(lock: Path) -> bool:
    """Tell whether a process of this machine holds it, or held it."""
    return holder(lock)[0] == socket.gethostname()


def is_dead(lock: Path) -> bool:
    """Tell whether the process that holds a lock has ended; of another machine's that is not known."""
    if not is_here(lock):
        return False
    try:
        process = psutil.Process(holder(lock)[1])
        # Its parent may never ask for its end, and its number may have gone to another process since.
        return process.status() == psutil.STATUS_ZOMBIE or process.create_time() > lock.stat().st_mtime
    except psutil.NoSuchProcess:
        return True
    except FileNotFoundError:
        # It ended in order just now.
        return False
