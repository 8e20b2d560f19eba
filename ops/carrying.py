"""Carries images from one engine to another as a stream through this machine; no file and no registry is involved."""

from collections.abc import Callable, Sequence
from typing import IO

from .docker import Engine, last_line
from .quantities import shown_size

_PIECE_BYTES = 1 << 20
_TOLD_BYTES = 200 * 10**6


def carry(source: Engine, target: Engine, images: Sequence[str],
          show: Callable[[str], None] = lambda _: None) -> str:
    """Save images there and load them here; return why they did not arrive, empty if they did.

    By id an image comes without its names (https://github.com/docker/cli/issues/6383). Layers that several of them
    share go once.
    """
    saving = source.stream("save", *images)
    loading = target.stream("load", "--quiet", is_fed=True)
    if saving.stdout is None or loading.stdin is None:
        raise ValueError("both are streams of bytes")
    try:
        _pump(saving.stdout, loading.stdin, show)
    except BrokenPipeError:
        # What the loading one said tells why; the other would go on for gigabytes.
        saving.kill()
    except BaseException:
        # Ctrl-C: neither would end by itself while the other waits.
        saving.kill()
        loading.kill()
        raise
    finally:
        _, fault = loading.communicate()
        _, fault_there = saving.communicate()
    if not saving.returncode and not loading.returncode:
        return ""
    # One that was cut off says less than the one that ended by itself.
    return last_line((fault_there if saving.returncode > 0 else fault).decode(errors="replace"))


def _pump(source: IO[bytes], target: IO[bytes], show: Callable[[str], None]) -> None:
    count, told = 0, _TOLD_BYTES
    while piece := source.read(_PIECE_BYTES):
        target.write(piece)
        count += len(piece)
        if count >= told:
            show(f"  {shown_size(count)} carried ...")
            told = count + _TOLD_BYTES
