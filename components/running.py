"""How the program itself runs, so that each further host of a fleet costs as little as it can."""

import asyncio
import gc

import pulumi

_PATIENCE_SECONDS = 1


def hasten() -> None:
    """Leave out what takes time and is of no use in a run of a few seconds."""
    # Nothing of it is worth collecting; the collector would take a tenth of it.
    gc.disable()
    # The SDK sends its debugging lines to the engine one by one and waits for each, some ten for a resource, also where
    # nobody has asked for them: two fifths of the time in which the program was busy.
    pulumi.log.debug = _unheard


def _unheard(
    msg: str, resource: pulumi.Resource | None = None, stream_id: int | None = None, ephemeral: bool | None = None,
) -> None:
    pass


async def settled() -> None:
    """Wait until everything is registered.

    The SDK waits too (pulumi/runtime/stack.py, wait_for_rpcs), but looks at all that is outstanding after each single
    piece of it: its time would grow with the square of the resources. What fails, or takes long, is left to it.
    """
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        done, _ = await asyncio.wait(others, timeout=_PATIENCE_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
        if not done or any(task.cancelled() or task.exception() for task in done):
            return
