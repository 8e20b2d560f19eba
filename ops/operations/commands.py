"""The commands for daily operations."""

import json
import sys
from dataclasses import asdict

import click

from .. import output, preflight
from ..docker import Engine
from ..fleet import hosts as fleet
from ..quantities import shown_size
from ..stack import Stack
from ..target import FULL, Target
from ..unfinished import refuse_unfinished
from . import cleanup as leftovers
from . import health as checks
from . import logs as said
from . import services
from . import status as whole
from .control import Control
from .doctor import command as diagnosis
from .rebuild import Builder

_LINES = 100
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines for people.")
_service = click.argument("service", required=False, shell_complete=lambda _context, _parameter, begun: [
    service for service in sorted(FULL) if service.startswith(begun)])


_host = click.option("--host", default="", metavar="NAME", help="Of this further host of a fleet, and not the panel's.")


def _reach(name: str, host: str = "") -> tuple[Engine, Target]:
    target = fleet.target(name, host)
    engine = Engine(target.docker_host)
    # Asked first: an engine that does not answer would look like a server of which nothing is there.
    engine.version()
    return engine, target


@click.command()
@_as_json
@click.pass_obj
def status(name: str, as_json: bool) -> None:
    """Show what runs, since when and with what it takes; exit code 1 if something is wrong."""
    found = whole.look(*_reach(name))
    output.show([json.dumps(whole.document(found), indent=2)] if as_json else whole.lines(found))
    sys.exit(1 if found.faults else 0)


@click.command()
@_service
@_host
@_as_json
@click.pass_obj
def health(name: str, service: str | None, host: str, as_json: bool) -> None:
    """Run each service's own check now and say what it found; exit code 1 if one fails."""
    engine, target = _reach(name, host)
    found = checks.check(engine, services.chosen(services.look(engine, target), service))
    output.show([json.dumps([asdict(item) for item in found], indent=2)] if as_json else checks.lines(found))
    sys.exit(0 if all(item.good for item in found) else 1)


@click.command()
@_service
@click.argument("lines", required=False, type=click.IntRange(0))
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--since", default="", metavar="WHEN", help="Only from a time on, or a span such as 10m.")
@_host
@_as_json
@click.pass_obj
def logs(
    name: str, service: str | None, lines: int | None, follow: bool, since: str, host: str, as_json: bool,
) -> None:
    """Show the last LINES that a service, or each of them, has said; times are in UTC."""
    if service and service.isdigit() and lines is None:
        lines = int(service)
        service = None
    engine, target = _reach(name, host)
    there = [item for item in services.look(engine, target) if item.state != services.MISSING]
    wanted = services.chosen(there, service)
    words = ["--since", since] if since else []
    if lines is not None or not since:
        words += ["--tail", str(_LINES if lines is None else lines)]
    width = max((len(item.name) for item in wanted), default=0) if len(wanted) > 1 else 0
    try:
        for line in (said.coming if follow else said.past)(engine, wanted, words):
            click.echo(json.dumps(asdict(line)) if as_json else line.shown(width))
    except KeyboardInterrupt:
        sys.exit(0)


@click.command()
@_service
@click.pass_obj
def stop(name: str, service: str | None) -> None:
    """Stop a service, or all; it stays stopped, over deploys and restarts of the engine, until `ops start`."""
    _control(name).stop(service)


@click.command()
@_service
@click.pass_obj
def start(name: str, service: str | None) -> None:
    """Start a service, or all, and wait until they are healthy."""
    _control(name).start(service)


@click.command()
@_service
@_host
@click.pass_obj
def restart(name: str, service: str | None, host: str) -> None:
    """Restart a service, or all that are not stopped, and wait until they are healthy."""
    _control(name, host).restart(service)


@click.command()
@_service
@click.pass_obj
def rebuild(name: str, service: str | None) -> None:
    """Build the image of a service, or of each, anew without the cache, and replace that service."""
    _builder(name).rebuild(service)


@click.command()
@click.pass_obj
def build(name: str) -> None:
    """Build the images whose sources changed, and leave all that runs as it is."""
    _builder(name).build()


@click.command()
@click.pass_obj
def validate(name: str) -> None:
    """Check the configuration as a deploy would, policies too, and change nothing."""
    Target.read(name)
    stack = Stack(name, click.echo)
    stack.prepare()
    verdict = stack.run("preview").verdict
    click.echo(verdict.sentence())
    click.echo("The configuration is valid. `make preview` shows what it would change.")


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.option("--keep-cache", is_flag=True, help="Leave the cache of builds, so that the next build stays quick.")
@click.pass_obj
def cleanup(name: str, yes: bool, keep_cache: bool) -> None:
    """Remove former images, ended containers and the cache of builds; never a volume."""
    engine, _ = _reach(name)
    found = leftovers.look(engine, keep_cache=keep_cache)
    if not found:
        click.echo("There is nothing to clean up.")
        return
    click.echo("\n".join(found.lines()))
    if not yes:
        click.confirm("Remove all of this?", abort=True)
    freed = leftovers.remove(engine, found, click.echo)
    output.add(freed_bytes=freed)
    click.echo(f"{shown_size(freed)} are free again.")


@click.command()
@click.option("--fix", is_flag=True, help="Mend what can be mended without losing anything; tells each step.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask first.")
@_host
@_as_json
@click.pass_context
def doctor(context: click.Context, fix: bool, yes: bool, host: str, as_json: bool) -> None:
    """Look for what is wrong with the server and its machine, and name the command that mends it; exit code 1 then."""
    def deploy() -> None:
        from ..cli import up
        context.invoke(up)

    def show(line: str) -> None:
        click.echo(line, err=as_json)

    found, mended = diagnosis.run(context.obj, deploy, host), []
    if fix and any(finding.repair for finding in found):
        show("\n".join(map(output.painted, diagnosis.lines(found, host))))
        if not yes:
            click.confirm("Mend what can be mended?", abort=True, err=as_json)
        mended = diagnosis.mend(found, show)
        found = diagnosis.run(context.obj, deploy, host)
    document = {"well": not found, "mended": mended, "findings": [finding.document() for finding in found]}
    output.show([json.dumps(document, indent=2)] if as_json else diagnosis.lines(found, host))
    sys.exit(1 if found else 0)


def _builder(name: str) -> Builder:
    target = Target.read(name)
    refuse_unfinished(name)
    return Builder(preflight.check(target), target, Stack(name, click.echo), click.echo)


def _control(name: str, host: str = "") -> Control:
    engine, target = _reach(name, host)
    refuse_unfinished(name)
    return Control(engine, target, Stack(name, click.echo), click.echo)


COMMANDS: tuple[click.Command, ...] = (
    status, health, logs, stop, start, restart, rebuild, build, validate, cleanup, doctor)
