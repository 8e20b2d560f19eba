"""Two stacks with an engine each, without an engine."""

from tests.ops.promote.world import world
from tests.ops.update.conftest import engine, folder

__all__ = ["engine", "folder", "world"]
