"""What the last look found, kept beside the state for those who do not look themselves: `ops status` and the doctor."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from ..files import write_whole
from ..stack import LOG_FOLDER

# With these words the panel begins its warning, too (admin/panel/alerts/conditions.py).
_BEGINNING = "Drift was found"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One look, or a deploy, after which there is no drift."""

    at: datetime
    subjects: tuple[str, ...] = ()
    """What each finding is about; the findings themselves stand in what the look has said."""

    error: str = ""
    """Why it could not be told; empty if it could."""

    @classmethod
    def read(cls, stack: str) -> Self | None:
        """Return the last one; None if nobody has looked yet, or if it cannot be read."""
        try:
            held = json.loads(_file(stack).read_text())
            return cls(at=datetime.fromisoformat(held["at"]), subjects=tuple(held["subjects"]), error=held["error"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, stack: str) -> None:
        """Keep it in place of the one before."""
        file = _file(stack)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(file, json.dumps(self.document()))

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return asdict(self) | {"at": self.at.isoformat()}

    @property
    def fault(self) -> str:
        """What is wrong, as a sentence; empty if nothing is."""
        when = f"{self.at:%Y-%m-%d %H:%M} UTC"
        if self.error:
            return f"The last look for drift, at {when}, could not tell: {self.error}"
        if not self.subjects:
            return ""
        count = f"{len(self.subjects)} finding{'s' if len(self.subjects) > 1 else ''}"
        return (f"{_BEGINNING} at {when}, {count}: {', '.join(dict.fromkeys(self.subjects))}. "
                "`ops drift` looks again, and shows what differs.")


def is_known(warning: str, record: Record | None) -> bool:
    """Tell whether a warning of the panel's is about drift of which this machine knows more, and sooner."""
    return record is not None and warning.startswith(_BEGINNING)


def forget(stack: str) -> None:
    """Keep nothing of a server that was taken away."""
    _file(stack).unlink(missing_ok=True)


def _file(stack: str) -> Path:
    return LOG_FOLDER.parent / f"drift.{stack}.json"
