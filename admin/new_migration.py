"""Writes the migration that brings the store's tables to what the models say: `python admin/new_migration.py MESSAGE`.

A tool for developers, and no part of the image.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command

from panel.store.database import Database
from panel.store.migration import alembic_config


def main(message: str) -> None:
    """Compare a fresh store of the migrations so far with the models, and write down the difference."""
    with tempfile.TemporaryDirectory() as folder, Database(f"sqlite:///{Path(folder)}/panel.db").write() as session:
        config = alembic_config(session.connection())
        command.upgrade(config, "head")
        number = len(list((Path(__file__).parent / "panel/store/migrations/versions").glob("*.py"))) + 1
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")


if __name__ == "__main__":
    main(sys.argv[1])
