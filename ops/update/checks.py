"""What must be true of a whole server after an update: the promises, what a censor sees, and what a user gets."""

from collections.abc import Callable

from .. import subscription
from ..docker import Engine
from ..errors import OperatorError
from ..stack import Stack
from ..target import Target
from ..verify.state import State

_SEED = 1


def promises(stack: Stack, state: State, show: Callable[[str], None]) -> str:
    """Compare what runs with what was promised; return the count, or raise OperatorError when something differs."""
    from ..verify import command, table
    checks = command.run(stack, state, only_own=True)
    summary = table.summary(checks)
    show(summary)
    if differing := table.differing(checks):
        raise OperatorError("\n  ".join([
            "what runs is not what was promised:", *differing, "`make verify` shows all, and what to do about it."]))
    return summary


def probes(stack: Stack, target: Target, state: State, show: Callable[[str], None]) -> str:
    """Look at the server as a censor would, by the quick set of probes; return the score, or why there is none."""
    from ..probe import command
    if not target.is_local or "authorityCertificate" not in state.stack_outputs or len(target.running) < 6:
        said = "Not probed: that needs a whole server on this machine with certificates of its own (`docs/probe.md`)."
        show(said)
        return said
    result = command.run(stack.name, "", _SEED, show, only=command.QUICK, with_timing=False)
    show(result.score.line())
    if result.score.tcp_differing:
        names = ", ".join(item.probe.name for item in result.differences[:3])
        raise OperatorError(f"a censor could tell the server from a plain Caddy, for example by {names}. "
                            "`make probe` shows all.")
    return result.score.line()


def canary(engine: Engine, target: Target, state: State, show: Callable[[str], None]) -> None:
    """Read the first user's link as their client does; raises OperatorError when it does not come."""
    from ..probe.reference import address_of_server
    outputs = state.stack_outputs
    if not target.is_local or "subscriptionUrl" not in outputs or not {"admin", "caddy"} <= target.running:
        show("The first user's link was not asked for: that needs Caddy and the panel, on this machine.")
        return
    found = subscription.links(str(outputs["subscriptionUrl"]), address_of_server(engine),
                               outputs.get("authorityCertificate"))
    show(f"The first user's link answers with {len(found)} protocols.")
