"""The commands. Each says what it does while it does it, and ends with one sentence if it cannot."""

import secrets
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from . import output, preflight
from .accounts import accounts
from .backup.commands import COMMANDS as BACKUP_COMMANDS
from .completion import completion
from .configuration.commands import config
from .deploying import deploy, reach
from .docker import Engine
from .drift import record as drift_record
from .drift import telling
from .drift.commands import COMMANDS as DRIFT_COMMANDS
from .fleet.commands import hosts
from .fleet.reach import refuse_left_out
from .operations.commands import COMMANDS
from .operations.waiting import await_health
from .promote import kept
from .promote.commands import COMMANDS as PROMOTE_COMMANDS
from .rotate import configured as rotations
from .rotate.commands import COMMANDS as ROTATE_COMMANDS
from .rotate.deployed import refuse_lost
from .stack import Stack
from .target import Target, settings
from .unfinished import Mark, refuse_unfinished
from .update.checks import promises
from .update.commands import COMMANDS as UPDATE_COMMANDS
from .users import users
from .verdict import Verdict
from .verify.state import State
from .watchdog.commands import ensure, watchdog, withdraw


@click.group(cls=output.Commands)
@click.option("--stack", default="local", show_default=True, envvar="STACK", help="Stack to work on.")
@click.pass_context
def main(context: click.Context, stack: str) -> None:
    """Build, change and look after a stealth VPN server."""
    context.obj = stack


@main.command()
@click.option("--former-secrets", is_flag=True, help="Go back to former values where the file has lost its rotations.")
@click.pass_obj
def up(name: str, former_secrets: bool) -> None:
    """Build and start everything, or bring what runs to what the configuration says."""
    began = time.monotonic()
    target = Target.read(name)
    refuse_unfinished(name)
    engine = preflight.check(target, deploys=True)
    stack = Stack(name, click.echo)
    stack.prepare()
    if not former_secrets:
        refuse_lost(stack, settings(name))
    rotations.end_due(stack, click.echo)
    follower = deploy(stack, engine, show=click.echo)
    with ThreadPoolExecutor() as pool:
        export = pool.submit(stack.export)
        containers = await_health(engine, name, target.running, "make up")
    Mark(name).clear()
    _show_verdict(follower.verdict)
    click.echo(f"{follower.changes or 'No'} changes; {len(containers)} containers healthy "
               f"after {time.monotonic() - began:.0f} s.")
    _show_stopped(target)
    ensure(engine, target, click.echo)
    _show_overlaps(name)
    _show_promotion(name, export.result())
    state = State.parse(export.result())
    output.add(changes=follower.changes, healthy=len(containers), stopped=sorted(target.stopped))
    _show_access(stack, state.stack_outputs)
    promises(stack, state, click.echo)
    telling.after_deploy(name, engine, click.echo)
    output.add(left_out=sorted(follower.left_out))
    refuse_left_out(follower.left_out)


@main.command()
@click.pass_obj
def preview(name: str) -> None:
    """Show what `up` would change, and change nothing."""
    Target.read(name)
    stack = Stack(name, click.echo)
    stack.prepare()
    for secret in sorted(rotations.due(settings(name))):
        click.echo(f"`make up` ends the overlap of {secret} too, whose time is over; this preview does not show that.")
    try:
        follower = stack.run("preview", "--diff", *reach(stack, click.echo).exclusions())
    finally:
        click.echo(stack.log.read_text())
    output.add(changes=follower.changes)
    _show_verdict(follower.verdict)


@main.command()
@click.pass_obj
def down(name: str) -> None:
    """Remove the containers and networks; volumes and keys stay, so that `up` brings everything back."""
    target = Target.read(name)
    refuse_unfinished(name)
    engine = Engine(target.docker_host)
    engine.version()
    stack = Stack(name, click.echo)
    stack.prepare()
    found = reach(stack, click.echo)
    stack.run("destroy", "--yes", "--exclude-protected", *found.exclusions())
    withdraw(engine, target, click.echo)
    drift_record.forget(name)
    refuse_left_out(host.name for host in found.away)
    click.echo("Everything is gone but the volumes stealth-* and the keys; `make up` brings it back.")


@main.command()
@click.option("--server", default="", metavar="HOST[:PORT]", help="Where to probe; else this engine's own server.")
@click.option("--seed", type=int, default=None, help="Number that all probes are made from; a new one by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of lines.")
@click.pass_obj
def probe(name: str, server: str, seed: int | None, as_json: bool) -> None:
    """Look at the server as a censor would, and compare it with a plain Caddy; exit code 1 if TCP differs."""
    # Here and not above: the other commands shall not wait for its libraries.
    from .probe import command
    result = command.run(name, server, secrets.randbelow(1 << 32) if seed is None else seed,
                         lambda line: click.echo(line, err=as_json))
    if as_json:
        click.echo(command.as_document(result))
    else:
        command.report(result, click.echo)
    sys.exit(1 if result.score.tcp_differing else 0)


@main.command()
@click.option("--beside", multiple=True, metavar="CONTAINER",
              help="A container that is meant to run beside the server; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
@click.pass_obj
def verify(name: str, beside: tuple[str, ...], as_json: bool) -> None:
    """Compare what runs with what was promised; exit code 1 unless every promise was checked and is kept."""
    from .verify import command, table
    stack = Stack(name, click.echo)
    checks = command.run(stack, command.state_of(stack), beside)
    output.show([table.as_json(name, checks)] if as_json else table.lines(checks))
    sys.exit(0 if table.are_kept(checks) else 1)


main.add_command(completion)
main.add_command(users)
main.add_command(accounts)
main.add_command(hosts)
main.add_command(config)
main.add_command(watchdog)
for command in (*COMMANDS, *BACKUP_COMMANDS, *UPDATE_COMMANDS, *PROMOTE_COMMANDS, *ROTATE_COMMANDS,
                *DRIFT_COMMANDS):
    main.add_command(command)


def _show_stopped(target: Target) -> None:
    for service in sorted(target.stopped):
        click.echo(f"{service} is stopped and stays so; `ops start {service}` starts it.")


def _show_overlaps(name: str) -> None:
    for secret, until in sorted(rotations.overlaps(settings(name)).items()):
        click.echo(f"The former {secret} is good until {until:%Y-%m-%d %H:%M} UTC; `ops rotate {secret} --finish` "
                   "ends that now.")


def _show_promotion(name: str, export: str) -> None:
    if said := kept.sentence(name, export):
        click.echo(said)


def _show_verdict(verdict: Verdict) -> None:
    for sentence in verdict.advice:
        click.echo(f"Advice: {sentence}")
    click.echo(verdict.sentence())


def _show_access(stack: Stack, outputs: Mapping[str, Any]) -> None:
    run = Path("toolchain/run.sh")
    output.add(**{name: outputs[name] for name in ("siteUrl", "panelUrl", "subscriptionUrl") if name in outputs})
    click.echo(f"Site:              {outputs['siteUrl']}")
    click.echo(f"Panel:             {outputs['panelUrl']}")
    click.echo(f"Panel's password:  {run} pulumi stack output panelPassword --show-secrets --stack {stack.name}")
    if "subscriptionUrl" in outputs:
        click.echo(f"First user's link: {outputs['subscriptionUrl']}")
    if "authorityCertificate" in outputs:
        click.echo(f"CA of the clients: {run} pulumi stack output authorityCertificate --stack {stack.name}")
