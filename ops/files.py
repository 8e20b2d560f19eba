"""Writes a file whole or not at all."""

import os
from pathlib import Path


def write_whole(file: Path, content: bytes | str, mode: int = 0o600) -> None:
    """Give a file its content and mode by a rename, so that a kill or a loss of power leaves the old one or the new.

    Raises OSError, and has changed nothing then.
    """
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        # Nobody else may read it before it has its mode.
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(file)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    _keep_name(file.parent)


def _keep_name(folder: Path) -> None:
    # The rename itself is in the folder (fsync(2)).
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
