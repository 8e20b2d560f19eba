"""Tells which tables the store has: `python revision.py`, or lets this version have back what a newer one has changed.

The first reads this container's own configuration, as serve.py does. The second is `python revision.py --go-back FILE`,
in a container of its own while no panel runs: when FILE, an SQLite store, was migrated beyond what this version knows,
the copy that was laid beside it before (store/migration.py) is made ready to be taken over at the next start
(takeover.py), and a copy of the newer store is kept. It prints `kept` or `former`. May be killed and run again.
"""

import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Do it; return the exit code, 1 with one sentence when it cannot be done."""
    from panel.config import CONFIG_FILE, ConfigError, PanelConfig
    from panel.store.database import Database, StoreError
    from panel.store.migration import revision
    try:
        if arguments[:1] == ["--go-back"]:
            print(go_back(Path(arguments[1])))
        else:
            print(revision(Database(PanelConfig.load(Path(arguments[0]) if arguments else CONFIG_FILE).database_url)))
    except (ConfigError, StoreError) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


def go_back(file: Path) -> str:
    """Let the next start take the store of before, if this one is newer; raises StoreError when there is none."""
    from panel.store import snapshot
    from panel.store.database import Database, StoreError
    from panel.store.migration import head, is_known, revision
    from panel.takeover import NAME

    found = revision(Database(f"sqlite:///{file}")) if file.exists() else None
    if found is None or is_known(found):
        return "kept"
    former = file.with_name(f"{file.name}.before-{head()}")
    if not former.exists():
        raise StoreError(f"The panel's store has the tables {found}, this version knows up to {head()}, and there is "
                         f"no {former.name}; restore a backup of this version.")
    snapshot.check(former)
    newer = file.with_name(f"{file.name}.newer-{found}")
    newer.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(newer)) as target:
        source.backup(target)
    part = file.with_name(f"{NAME}.part")
    shutil.copyfile(former, part)
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.rename(file.with_name(NAME))
    return "former"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
