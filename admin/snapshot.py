"""Prints a copy of this container's own store, for a backup: `python snapshot.py [FILE]`, FILE as for serve.py.

First a line with the copy's size in bytes, then the copy. It lies in the panel's folder while it is sent, for its
place in memory may be too small. Ends with 1 and one sentence when there is none to be had.
"""

import fcntl
import shutil
import sys
from pathlib import Path

_NAME = "snapshot"


def main(arguments: list[str]) -> int:
    """Print the copy; return the exit code."""
    from panel.config import CONFIG_FILE, ConfigError, PanelConfig
    from panel.store.database import Database, StoreError
    from panel.store.snapshot import take
    from panel.takeover import FOLDER

    folder = Path(arguments[1]) if len(arguments) > 1 else FOLDER
    file = folder / f"{_NAME}.db"
    with (folder / f"{_NAME}.lock").open("w") as lock:
        # A second backup waits; what a killed one left is removed by the next.
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob(f"{_NAME}.db*"):
            left.unlink()
        try:
            config = PanelConfig.load(Path(arguments[0]) if arguments else CONFIG_FILE)
            take(Database(config.database_url), file)
            _send(file)
        except (ConfigError, StoreError) as fault:
            print(fault, file=sys.stderr)
            return 1
        finally:
            file.unlink(missing_ok=True)
    return 0


def _send(file: Path) -> None:
    with file.open("rb") as copy:
        sys.stdout.buffer.write(f"{file.stat().st_size}\n".encode())
        shutil.copyfileobj(copy, sys.stdout.buffer, 1 << 20)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
