"""A panel in a process of its own for measurements, and a store with many users."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from panel.config import PanelConfig
from panel.store.database import Database
from panel.store.models import Fact, User
from panel.users import credentials
from tests.admin import panel_client, panel_file
from tests.admin.test_serve import free_port

_PATIENCE_SECONDS = 60


class Panel:
    """Started and stopped by whoever measures."""

    def __init__(self, folder: Path, **values: object) -> None:
        """Write its configuration; `values` are those of panel.json that differ from the tests' own."""
        self._file = panel_file.write(folder, port=free_port(), logLevel="WARNING", **values)
        self.config = PanelConfig.load(self._file)

    def start(self) -> None:
        """Begin to serve."""
        self._process = subprocess.Popen([sys.executable, "admin/serve.py", self._file])

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask its API as `ops` does; raises OSError or HTTPException where it does not answer."""
        return panel_client.ask(self.config.port, method, path, body, patience_seconds=_PATIENCE_SECONDS)

    def end(self) -> None:
        """Stop it, unless it is."""
        self._process.terminate()
        self._process.wait()


def fill(database: Database, people: int) -> None:
    """Add users with ids from 1 on, by rows: their service would take its time for each one's audit entry."""
    now = datetime.now(UTC)
    with database.write() as session:
        session.execute(insert(User), [{
            "name": f"person {number}", "name_key": f"person {number}", "search_key": f"person {number}\n", "note": "",
            "secrets": credentials.make(), "wireguard_number": 2 + 2 * number, "period_began_at": now,
            "created_at": now, "updated_at": now, "revision": 2} for number in range(people)])
        session.get_one(Fact, "revision").value = "2"
