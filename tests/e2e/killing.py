"""Ends a command by force at a random moment: it alone, the Pulumi below it, or both with all plugins."""

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil
import pytest

KILLS = 1
"""In the usual run."""

LONG_KILLS = 20


def rounds() -> list[object]:
    """Return a parameter for each kill, a number from which all chance of it comes; most are for the long run."""
    return [pytest.param(seed, marks=[pytest.mark.long] if seed >= KILLS else []) for seed in range(LONG_KILLS)]


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Who is killed and when, as a part of the time that the command takes undisturbed."""

    victim: str
    at: float

    @classmethod
    def of(cls, chance: random.Random, often_before: float) -> "Kill":
        """Choose a moment, as often before that part of the time as in the whole of it."""
        return cls(victim=chance.choice(["command", "pulumi", "everything"]),
                   at=chance.random() * chance.choice([often_before, 1]))


def kill(process: subprocess.Popen[str], chosen: Kill, whole_seconds: float) -> bool:
    """Kill a command that began now; tell whether it was at work until then."""
    time.sleep(chosen.at * whole_seconds)
    if process.poll() is not None:
        process.communicate()
        return False
    below = psutil.Process(process.pid).children(recursive=True)
    pulumi = [child.pid for child in below if _name(child) == "pulumi"]
    victims = {"command": [process.pid], "pulumi": pulumi or [process.pid],
               "everything": [process.pid, *(child.pid for child in below)]}[chosen.victim]
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    # Its output is not read to its end: what is left of it may hold it open.
    process.wait(timeout=60)
    if process.stdout:
        process.stdout.close()
    return True


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.Error:
        return ""
