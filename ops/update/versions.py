"""Which version runs, and whether a move to another may begin: never backwards in silence, never under newer data."""

import json

from ..docker import Engine
from ..errors import OperatorError
from ..stack import Stack
from ..target import Target, settings
from . import store
from .checkout import Checkout


def deployed(stack: Stack, checkout: Checkout, *, pulls: bool) -> str:
    """Return the commit that the last deploy was made of, by the stack's output `version`.

    Where that is not known, as of a deploy before there was that output, it is taken to be what is checked out.
    """
    said = str(stack.outputs().get("version", ""))
    if checkout.has(said):
        return said
    if not pulls:
        raise OperatorError("nobody knows which version runs, so that nothing could be gone back to with --no-pull. "
                            "Check that version out, run `make up`, and update then.")
    return checkout.head()


class Move:
    """A move of a server from one version to another."""

    def __init__(self, checkout: Checkout, stack: Stack, target: Target) -> None:
        self._checkout, self._stack, self._target = checkout, stack, target

    def judge(self, origin: str, goal: str, *, downgrade: bool, database_copied: bool) -> None:
        """Raise OperatorError if this move may not begin."""
        if not self._checkout.is_before(origin, goal) and not downgrade:
            kind = "is older than" if self._checkout.is_before(goal, origin) else "has another history than"
            raise OperatorError(f"{self._checkout.title(goal)} {kind} {self._checkout.title(origin)}, which runs. "
                                "Name a newer version with --to, or add --downgrade if you mean it.")
        self.refuse_newer_data(goal, "")
        new = self._checkout.tables(goal) - self._checkout.tables(origin)
        if settings(self._target.stack)["databaseUrl"] and new and not database_copied:
            raise OperatorError("the new version changes the tables of the database at databaseUrl, which nothing here "
                                "can take back. Copy it, for example with pg_dump, and add --database-copied.")

    def refuse_newer_data(self, goal: str, backup: str) -> None:
        """Raise OperatorError if a version does not know what the server's store or state is made of."""
        known, has = self._checkout.tables(goal), store.tables(Engine(self._target.docker_host))
        if has and known and has not in known:
            way = f"`git reset --keep {goal[:12]}`, and then `ops rollback {backup or 'SNAPSHOT'}`"
            raise OperatorError(f"the panel's tables are {has}, which {self._checkout.title(goal)} does not know: what "
                                f"is in them would be lost. To have back all that was in a backup, run {way}.")
        wrote, brings = self._pulumi(), self._checkout.pulumi(goal)
        if brings and wrote > brings:
            shown = ".".join(map(str, wrote))
            raise OperatorError(f"the state was written by Pulumi {shown}, and {self._checkout.title(goal)} brings an "
                                "older one, which may not read it. Choose a newer version.")

    def _pulumi(self) -> tuple[int, ...]:
        manifest = json.loads(self._stack.call("stack", "export"))["deployment"].get("manifest") or {}
        parts = str(manifest.get("version", "")).removeprefix("v").split("-")[0].split(".")
        return tuple(int(part) for part in parts if part.isdigit())
