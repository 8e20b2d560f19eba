"""How the program waits for its end, and what it leaves out."""

import asyncio
import gc
from collections.abc import Coroutine

import pulumi
import pytest

from components import running


def seconds_of(*others: Coroutine[None, None, None]) -> float:
    """How long the program waits for these."""
    async def program() -> float:
        tasks = [asyncio.ensure_future(other) for other in others]
        loop = asyncio.get_running_loop()
        began = loop.time()
        await running.settled()
        taken = loop.time() - began
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return taken

    # Not by asyncio.run: it would leave the thread without the loop that the SDK's mocks begin in.
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(program())
    finally:
        loop.close()


async def ends_after(seconds: float, *then: Coroutine[None, None, None]) -> None:
    await asyncio.sleep(seconds)
    for other in then:
        await asyncio.ensure_future(other)


async def fails() -> None:
    raise ValueError("of a test")


def test_it_waits_for_what_is_outstanding_and_for_what_that_begins() -> None:
    assert 0.3 <= seconds_of(ends_after(0.1), ends_after(0.1, ends_after(0.2))) < running._PATIENCE_SECONDS


def test_a_fault_is_left_to_the_sdk_at_once() -> None:
    assert seconds_of(fails(), ends_after(60)) < running._PATIENCE_SECONDS


def test_what_never_ends_is_left_to_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_PATIENCE_SECONDS", 0.2)
    assert 0.2 <= seconds_of(ends_after(60)) < 30


def test_no_debugging_line_is_sent_and_a_warning_still_is(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(pulumi.log, "_log", lambda _engine, _severity, message, *_: sent.append(message))
    monkeypatch.setattr(pulumi.log, "get_engine", lambda: "engine")
    monkeypatch.setattr(pulumi.log, "debug", sent.append)
    try:
        running.hasten()
    finally:
        gc.enable()
    pulumi.log.debug("not wanted")
    pulumi.log.warn("told")
    assert sent == ["told"]
