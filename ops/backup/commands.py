"""`ops backup` and `ops restore`."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import click

from ..docker import Engine
from ..errors import OperatorError
from ..quantities import shown_size
from ..stack import Stack
from ..target import Target, settings
from . import archive, places, room, schedule, tool
from .repository import Repository
from .restoring import Restore


@click.group(invoke_without_command=True)
@click.pass_context
def backup(context: click.Context) -> None:
    """Back the whole server up, encrypted, while it runs; then remove the backups that are too old."""
    if context.invoked_subcommand is None:
        make(context.obj)


@backup.command("list")
@click.option("--within", type=click.IntRange(1), metavar="HOURS",
              help="Exit code 1 unless this stack has a backup that is no older; for monitoring.")
@click.pass_obj
def list_all(name: str, within: int | None) -> None:
    """List the backups of all stacks, the oldest first."""
    tool.bring()
    repository = places.configured(settings(name))
    repository.open()
    found = repository.snapshots()
    click.echo(f"{'SNAPSHOT':<10} {'STACK':<12} {'MADE AT (UTC)':<20} SIZE")
    for item in found:
        click.echo(f"{item.id:<10} {item.stack:<12} {item.made_at:%Y-%m-%d %H:%M:%S}  {shown_size(item.size_bytes)}")
    oldest = datetime.now(UTC) - timedelta(hours=within or 0)
    if within and not any(item.stack == name and item.made_at > oldest for item in found):
        raise OperatorError(f"{name} has no backup of the last {within} h. Run `make backup`, and read what it says.")


@backup.command("schedule")
@click.option("--at", "at", default="03:30", show_default=True, metavar="HH:MM", help="When, by this machine's clock.")
@click.option("--off", is_flag=True, help="Make none by themselves any more.")
@click.pass_obj
def plan(name: str, at: str, off: bool) -> None:
    """Let this machine make a backup each day, by systemd or cron."""
    settings(name)  # says it when there is no such stack
    click.echo(schedule.remove(name) if off else schedule.add(name, at))


@click.command()
@click.argument("where", default=places.LATEST)
@click.option("--replace", is_flag=True, help="Put the backup in the place of the server that is here.")
@click.option("--without-backup", is_flag=True, help="With --replace: make no last backup of what is here.")
@click.option("--keep-data", is_flag=True, help="Keep users and certificates that are here: only the state was lost.")
@click.option("--engine", "host", default="", metavar="ADDRESS", help="Engine to restore to, if not the former one.")
@click.option("--credentials-file", default="", metavar="FILE", help="Opens an S3 place that the stack does not name.")
@click.pass_context
def restore(context: click.Context, where: str, replace: bool, without_backup: bool, keep_data: bool, host: str,
            credentials_file: str) -> None:
    """Put a server back from WHERE: a snapshot, a place of backups, or PLACE@SNAPSHOT; the latest by default."""
    began = time.monotonic()
    found = _read(context.obj, where, credentials_file)
    stack, engine = Stack(context.obj, click.echo), Engine(host or found.docker_host)
    engine.version()
    found.refuse_other_passphrase()
    things = room.look(engine)
    room.refuse(things, stack, engine, may_replace=replace or keep_data)
    if replace and things and not without_backup:
        make(stack.name)
    try:
        room.clear(things, stack, engine)
        _put(found, stack, engine, host, keep_data=keep_data)
    except OperatorError as error:
        raise OperatorError(f"{error}\nThe restore has begun and is not complete: mend that, and run it again with "
                            "--replace --without-backup.") from error
    click.echo("State, certificates and users are back. Deploying the server ...")
    from ..cli import up
    context.invoke(up)
    click.echo(f"Restored after {time.monotonic() - began:.0f} s.")


def make(name: str) -> None:
    """Make a backup, read it back, and remove those that are too old."""
    # Here and not above: the other commands shall not wait for its libraries.
    from . import contents
    began = time.monotonic()
    tool.bring()
    values = settings(name)
    repository, target = places.configured(values), Target.read(name)
    engine = Engine(target.docker_host)
    engine.version()
    stack = Stack(name, click.echo)
    if not stack.is_made():
        raise OperatorError(f"stack {name} has no server to back up. Deploy one with `make up`.")
    repository.make(click.echo)

    def write(stream: IO[bytes]) -> None:
        contents.gather(stack, engine, archive.Writer(stream, contents.about(name)))

    snapshot = repository.store(name, write)
    # Only what could be restored counts.
    with repository.reading(snapshot) as stream:
        read = archive.read(stream)
    gone = repository.forget(name, keep) if (keep := places.keep(values)) else 0
    click.echo(f"Backed up {name} as {snapshot} to {repository.address} in {time.monotonic() - began:.0f} s: "
               f"{shown_size(read.store_bytes)} of users, read back and whole; {gone} old backups removed.")
    if _is_here(repository, target):
        click.echo("They lie on the server's own machine: name another place by `pulumi config set backupTarget`.")


def _read(name: str, where: str, credentials_file: str) -> Restore:
    """Read all of the backup that is meant; raises OperatorError if anything in it is not as it was written."""
    tool.bring()
    place, snapshot = places.split(where)
    # A folder on the command line counts from where it is typed, one of the configuration from the project.
    repository = places.at(place, credentials_file, root=Path.cwd()) if place else places.configured(settings(name))
    repository.open()
    chosen = places.choose(repository.snapshots(), snapshot, name, repository)
    click.echo(f"Reading the backup {chosen.id} of {chosen.made_at:%Y-%m-%d %H:%M} UTC ...")
    return Restore.read(repository, chosen)


def _put(found: Restore, stack: Stack, engine: Engine, host: str, *, keep_data: bool) -> None:
    found.put_files()
    stack.prepare()
    if host:
        stack.call("config", "set", "dockerHost", host)
    found.put_state(stack)
    if not keep_data:
        found.put_volumes(engine)


def _is_here(repository: Repository, target: Target) -> bool:
    return target.is_local and not repository.address.startswith(("s3:", "sftp:"))


COMMANDS: tuple[click.Command, ...] = (backup, restore)
