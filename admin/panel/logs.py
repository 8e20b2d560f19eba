"""Log lines on standard output. Redaction is a filter here, so that no caller has to remember it."""

import logging
import re
import sys
from datetime import datetime

from .config import PanelConfig

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class LineFormatter(logging.Formatter):
    """Formats a record without secrets, and so that text from outside cannot pass for a record of its own."""

    def __init__(self, config: PanelConfig) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._config = config

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002
        """Return the time in ISO 8601 with its offset, in the configured zone."""
        time = datetime.fromtimestamp(record.created, self._config.time_zone)
        return time.isoformat(timespec="milliseconds")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record; lines after the first, such as a traceback's, are indented."""
        text = super().format(record)
        for secret in self._config.secrets:
            text = text.replace(secret, "***")
        text = _CONTROL.sub(lambda character: f"\\x{ord(character[0]):02x}", text)
        return text.replace("\n", "\n    ")


def start(config: PanelConfig) -> None:
    """Send all records of the configured level and above to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter(config))
    logging.basicConfig(level=config.log_level, handlers=[handler])
    # It tells at each start how it opens the store.
    logging.getLogger("alembic").setLevel(logging.WARNING)
