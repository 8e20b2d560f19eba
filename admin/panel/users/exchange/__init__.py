"""Users as files: our own JSON with counters and secrets, other panels' users.json, and CSV for tables.

docs/users.md describes the forms.
"""

from .documents import Fault
from .exporting import EXPORTS, export_csv, export_json
from .importing import ImportReport, import_users
from .planning import OnClash

__all__ = ["EXPORTS", "Fault", "ImportReport", "OnClash", "export_csv", "export_json", "import_users"]
