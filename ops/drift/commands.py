"""`ops drift` and `ops drift schedule`. Exit codes: 0 no drift, 1 it could not be told, 2 misuse, 3 drift."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from .. import output, preflight
from ..deploying import deploy
from ..docker import Engine
from ..errors import InterruptedRun, OperatorError
from ..operations.waiting import await_health
from ..schedule import DRIFT
from ..stack import Stack
from ..target import Target
from . import show, telling
from .record import Record

if TYPE_CHECKING:
    from .look import Look


@click.group(invoke_without_command=True)
@click.option("--heal", is_flag=True, help="Bring back what was deployed, by a deploy; asks first, then looks again.")
@click.option("--yes", is_flag=True, help="With --heal: do not ask first.")
@click.pass_context
def drift(context: click.Context, heal: bool, yes: bool) -> None:
    """Show what was changed since the deploy, outside the code, and change nothing; exit code 3 if anything was."""
    if context.invoked_subcommand is not None:
        if heal or yes:
            raise click.UsageError(f"--heal and --yes do not belong to `ops drift {context.invoked_subcommand}`.")
        return
    if yes and not heal:
        raise click.UsageError("--yes answers the question of --heal, which is missing.")
    stack = Stack(context.obj, click.echo)
    found = _looked(stack)
    output.show(show.lines(found))
    if heal and found.findings:
        found = _healed(stack, found, asks=not yes)
    output.add(**show.document(found))
    sys.exit(output.DRIFTED if found.findings else 0)


@drift.command("schedule")
@click.option("--at", "at", default="04:40", show_default=True, metavar="HH:MM", help="When, by this machine's clock.")
@click.option("--off", is_flag=True, help="Look by itself no more.")
@click.pass_obj
def plan(name: str, at: str, off: bool) -> None:
    """Let this machine look each day, by systemd or cron; `ops status` and `ops doctor` tell what it found."""
    Target.read(name)
    click.echo(DRIFT.remove(name) if off else DRIFT.add(name, at))


def _looked(stack: Stack) -> "Look":
    """Look, and keep what came of it."""
    # Here and not above: the other commands shall not wait for all that it needs.
    from .look import look
    now = datetime.now(UTC)
    try:
        found = look(stack)
    except InterruptedRun:
        raise
    except OperatorError as error:
        # Of a stack that does not exist there is nothing to keep, and a mistyped name shall not leave a file.
        if Record.read(stack.name) or DRIFT.stands(stack.name):
            Record(at=now, error=str(error).splitlines()[0]).write(stack.name)
        raise
    record = Record(at=now, subjects=tuple(finding.subject for finding in found.findings))
    telling.keep(stack.name, record, Engine(Target.read(stack.name).docker_host), click.echo)
    return found


def _healed(stack: Stack, found: "Look", *, asks: bool) -> "Look":
    """Deploy what was deployed before, and return what is left; raises OperatorError if that would change more."""
    if found.pending or found.pending_fault:
        raise OperatorError("healing would also deploy what is not deployed yet. Deploy that by `make up`, which heals "
                            "too, or take it back first; `make preview` shows it.")
    if asks:
        click.confirm("Bring back what was deployed?", abort=True)
    target = Target.read(stack.name)
    engine = preflight.check(target)
    stack.prepare()
    fault: OperatorError | None = None
    try:
        follower = deploy(stack, engine, "--refresh")
        await_health(engine, stack.name, target.running, "ops drift --heal")
        click.echo(f"{follower.changes or 'No'} changes; looking again ...")
    except OperatorError as error:
        # What is left tells more of why than the deploy alone, and a part may be mended.
        fault = error
        click.echo(f"The deploy did not get through: {error}")
    left = _looked(stack)
    output.show(show.lines(left))
    if fault and not left.findings:
        raise fault
    return left


COMMANDS: tuple[click.Command, ...] = (drift,)
