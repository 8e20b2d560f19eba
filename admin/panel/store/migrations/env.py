"""Alembic's entry: runs migrations on the connection, and within the transaction, that migration.py gives."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from panel.store import accounts, alerts, models  # noqa: F401 # all add their tables to the metadata


def _render(kind: str, item: Any, autogen_context: AutogenContext) -> str | Literal[False]:  # noqa: ARG001 # Alembic's signature
    # A migration must not change with our code, so it names SQLAlchemy's own types only.
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, models.Moment) else False


context.configure(
    connection=context.config.attributes["connection"], target_metadata=models.Base.metadata, render_item=_render,
    compare_server_default=True)
context.run_migrations()
