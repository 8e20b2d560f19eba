"""Who is told what a look has found: the record beside the state, and the panel, which warns and alerts."""

from collections.abc import Callable
from datetime import UTC, datetime

from ..docker import Engine
from ..errors import OperatorError
from ..panel import Panel
from .record import Record

# The panel takes no more; who has so much drift looks for himself.
_MOST_SUBJECTS = 50


def keep(stack: str, record: Record, engine: Engine, show: Callable[[str], None]) -> None:
    """Keep a look that could tell, and let the panel know; the look is as good without the panel."""
    record.write(stack)
    subjects = list(dict.fromkeys(record.subjects))[:_MOST_SUBJECTS]
    try:
        Panel(engine).call("PUT", "/drift", {"subjects": subjects})
    except OperatorError as error:
        show(f"The panel was not told of this look: {error}")


def after_deploy(stack: str, engine: Engine, show: Callable[[str], None]) -> None:
    """Note that a deploy, which looks at all and mends it, has left no drift; where nobody ever looked, nothing."""
    if Record.read(stack):
        keep(stack, Record(at=datetime.now(UTC)), engine, show)
